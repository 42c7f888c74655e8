//go:build !linux

package bridge

// synchronised is not known here: clock = "trusted" says that somebody sees to it.
func synchronised() bool { return false }
