//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package main

import "os"

// locks says that folders cannot be locked.
const locks = false

// flock does nothing where folders cannot be locked; the storage engine's own
// lock then keeps two nodes apart.
func flock(*os.File, bool) error { return nil }
