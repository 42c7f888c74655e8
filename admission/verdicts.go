package admission

import (
	"sync"

	"github.com/commonwatt/commonwatt/tx"
)

// verdicts is a bounded set of the seals that were found good. Bad ones are not
// kept: they cost their sender as much as us, do not come back from consensus,
// and would push good ones out.
//
// It holds two generations: when the recent one is full the older is dropped as
// a whole. So it forgets in constant time, and a seal survives at least half of
// the room's worth of others.
type verdicts struct {
	mu            sync.RWMutex
	recent, older map[tx.Seal]struct{}
	half          int
}

func newVerdicts(room int) verdicts {
	return verdicts{recent: map[tx.Seal]struct{}{}, half: max(room/2, 1)}
}

// has reports whether a seal is remembered.
func (v *verdicts) has(seal tx.Seal) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.holds(seal)
}

// missing returns the positions of the seals that are not remembered.
func (v *verdicts) missing(seals []tx.Seal) []int {
	v.mu.RLock()
	defer v.mu.RUnlock()
	var open []int
	for i, s := range seals {
		if !v.holds(s) {
			open = append(open, i)
		}
	}
	return open
}

// add remembers seals.
func (v *verdicts) add(seals []tx.Seal) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range seals {
		if len(v.recent) >= v.half {
			v.older, v.recent = v.recent, make(map[tx.Seal]struct{}, v.half)
		}
		v.recent[s] = struct{}{}
	}
}

// holds is has for those who hold the lock.
func (v *verdicts) holds(seal tx.Seal) bool {
	if _, ok := v.recent[seal]; ok {
		return true
	}
	_, ok := v.older[seal]
	return ok
}
