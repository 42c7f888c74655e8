package bench

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Host is the machine that a run was made on.
type Host struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory int64  `json:"memory_bytes,omitempty"`
	System string `json:"system"`
	Go     string `json:"go"`
	// Load is the machine's load before the run: what others had it do.
	Load string `json:"load,omitempty"`
}

func host() Host {
	load, _ := os.ReadFile("/proc/loadavg")
	h := Host{
		CPU: field("/proc/cpuinfo", "model name"), Cores: runtime.GOMAXPROCS(0),
		System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Memory: kilobytes(field("/proc/meminfo", "MemTotal")),
	}
	if loads := strings.Fields(string(load)); len(loads) > 2 {
		h.Load = strings.Join(loads[:3], " ")
	}
	if h.CPU == "" {
		h.CPU = "unknown"
	}
	return h
}

// field returns what stands behind a name in a file of lines such as "name: value",
// or nothing. Only Linux has the files that we ask.
func field(path, name string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// kilobytes reads a size such as "123 kB", in bytes.
func kilobytes(s string) int64 {
	number, _, _ := strings.Cut(s, " ")
	n, _ := strconv.ParseInt(number, 10, 64) // 0 where there is none.
	return n << 10
}

// resident is the memory of a process in bytes; 0 where the system does not tell.
type resident struct {
	all  int64
	anon int64 // Without files, such as the program: the system can take those back.
	most int64 // Of all, so far.
}

func residentOf(pid string) resident {
	status := filepath.Join("/proc", pid, "status")
	return resident{kilobytes(field(status, "VmRSS")), kilobytes(field(status, "RssAnon")), kilobytes(field(status, "VmHWM"))}
}

// ticks is how Linux counts the processor time of other processes.
const ticks = 10 * time.Millisecond

// processorTimeOf is what another process has used so far.
func processorTimeOf(pid string) time.Duration {
	stat, _ := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * ticks
}
