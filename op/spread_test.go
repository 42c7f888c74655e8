package op

import (
	"slices"
	"sync"
	"testing"
)

// TestSpread spreads work over goroutines: each number has its turn, once.
func TestSpread(t *testing.T) {
	atOnce := func(a, b func()) {
		var done sync.WaitGroup
		done.Go(a)
		b()
		done.Wait()
	}
	for _, n := range []int{0, 1, few - 1, few, few + 1, 5*few + 3} {
		for name, both := range map[string]func(a, b func()){"in turn": nil, "at once": atOnce} {
			got, want := make([]int, n), slices.Repeat([]int{1}, n)
			Spread(n, both, func(i int) { got[i]++ })
			if !slices.Equal(got, want) {
				t.Errorf("%d, %s: %v", n, name, got)
			}
		}
	}
}
