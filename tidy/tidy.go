// Package tidy tests the shape of the code: which package may import which,
// that the packages that decide consensus stay deterministic, and that files
// and functions keep a readable size.
//
// Its promise: each rule of the house is a test that `go test ./...` runs, and
// each rule is itself tested on a snippet that breaks it.
package tidy
