//go:build darwin || linux

package store

import "syscall"

// Space is how many bytes are free where a folder lies, of how many, and whether that
// is known (statfs(2)).
func Space(dir string) (free, total uint64, known bool) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, false
	}
	return s.Bavail * uint64(s.Bsize), s.Blocks * uint64(s.Bsize), true //nolint:gosec // sizes are ≥ 0
}
