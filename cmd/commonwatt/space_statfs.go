//go:build darwin || linux

package main

import "syscall"

// freeSpace is how many bytes are free where a folder lies, and whether that is
// known (statfs(2)).
func freeSpace(dir string) (free uint64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, false
	}
	return s.Bavail * uint64(s.Bsize), true //nolint:gosec // sizes are ≥ 0
}
