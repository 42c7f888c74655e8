//go:build darwin || linux

package main

import (
	"math"
	"syscall"
)

// openFilesMost is how many files a process may have open (getrlimit(2)); Go raises the
// soft limit to the hard one by itself.
func openFilesMost() uint64 {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return math.MaxUint64
	}
	return l.Max
}
