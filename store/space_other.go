//go:build !(darwin || linux)

package store

// Space is not known here.
func Space(string) (free, total uint64, known bool) { return 0, 0, false }
