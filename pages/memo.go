package pages

import "sync"

// memoMax bounds what a memo keeps.
const memoMax = 4096

// memo keeps what was computed, each with a stamp of what it was computed from: it
// is good as long as the stamp is the same. The zero memo is empty.
type memo[K, S comparable, V any] struct {
	mu   sync.Mutex
	kept map[K]kept[S, V]
}

type kept[S comparable, V any] struct {
	stamp S
	value V
}

// get returns what is kept, or computes it. Several may compute it at once.
func (m *memo[K, S, V]) get(key K, stamp S, compute func() (V, error)) (V, error) {
	m.mu.Lock()
	k, ok := m.kept[key]
	m.mu.Unlock()
	if ok && k.stamp == stamp {
		return k.value, nil
	}
	value, err := compute()
	if err != nil {
		return value, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= memoMax {
		m.kept = map[K]kept[S, V]{}
	}
	m.kept[key] = kept[S, V]{stamp, value}
	return value, nil
}
