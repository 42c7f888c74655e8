package bridge

import "golang.org/x/sys/unix"

// synchronised reports whether the kernel knows that its clock is set by others, as an
// NTP client tells it (adjtimex(2): TIME_ERROR when STA_UNSYNC is set).
func synchronised() bool {
	state, err := unix.Adjtimex(&unix.Timex{})
	return err == nil && state != unix.TIME_ERROR
}
