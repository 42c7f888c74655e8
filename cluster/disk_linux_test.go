package cluster

import (
	"syscall"
	"unsafe"
)

// ioctl asks a file system for something.
func ioctl(file, request uintptr, argument *uint32) error {
	if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, file, request, uintptr(unsafe.Pointer(argument))); no != 0 {
		return no
	}
	return nil
}
