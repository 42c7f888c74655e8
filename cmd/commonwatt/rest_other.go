//go:build !linux

package main

// letGo does what it does on Linux alone.
func letGo() error { return nil }
