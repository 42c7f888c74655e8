//go:build !linux

package bridge

import "os"

// setSerial leaves the line as the system has it: set it before, as with stty.
func setSerial(*os.File) error { return nil }
