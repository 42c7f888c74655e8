package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// letGo takes the pages of the program's own file out of this process: most of them
// were looked at once, when it started. The system still has them, and those that are
// needed come back one by one, without the disk.
//
// Errors: those of the system, which then leaves them where they are.
func letGo() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer maps.Close()
	ranges, err := unchanged(bufio.NewScanner(maps), program)
	if err != nil {
		return err
	}
	for _, r := range ranges {
		if _, _, no := syscall.Syscall(syscall.SYS_MADVISE, r.from, r.to-r.from, syscall.MADV_DONTNEED); no != 0 {
			return no
		}
	}
	return nil
}

// mapped is addresses from one up to another.
type mapped struct{ from, to uintptr }

// unchanged lists where a file is mapped to be read or run (proc(5), smaps) and is as it
// is on disk. A page that was written to, as the linker of C does before it makes one
// read-only, would come back as it was.
func unchanged(lines *bufio.Scanner, file string) (list []mapped, err error) {
	var at mapped
	var ours bool
	for lines.Scan() {
		line := lines.Text()
		var p mapped
		var mode, offset, device, inode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s %s %s %s", &p.from, &p.to, &mode, &offset, &device, &inode); n == 6 {
			at, ours = p, (mode == "r-xp" || mode == "r--p") && strings.HasSuffix(line, " "+file)
		}
		if ours && strings.Join(strings.Fields(line), " ") == "Anonymous: 0 kB" {
			list = append(list, at)
		}
	}
	return list, lines.Err()
}
