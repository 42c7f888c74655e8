package chain

import (
	"runtime"
	"testing"
)

// Nobody reaches a map behind a closed gate, and closing waits for who is inside.
func TestGate(t *testing.T) {
	t.Parallel()
	var g gate
	slow := &slowKV{inside: make(chan struct{}), leave: make(chan struct{})}
	through := g.through(func(string) KV { return slow })("blocks")
	left := make(chan struct{})
	go func() {
		_, _ = through.Get([]byte("a"))
		close(left)
	}()
	<-slow.inside
	closed := make(chan struct{})
	go func() {
		g.close()
		close(closed)
	}()
	for g.mu.TryRLock() { // Until somebody waits to close it.
		g.mu.RUnlock()
		runtime.Gosched()
	}
	select {
	case <-closed:
		t.Error("did not wait for who is inside")
	default:
	}
	close(slow.leave)
	<-left
	<-closed
	if value, err := through.Get([]byte("a")); value != nil || err != nil || slow.asked != 1 {
		t.Errorf("%q, %v, asked %d times", value, err, slow.asked)
	}
}

// slowKV answers when it may.
type slowKV struct {
	KV
	inside, leave chan struct{}
	asked         int
}

func (s *slowKV) Get(key []byte) ([]byte, error) {
	s.asked++
	close(s.inside)
	<-s.leave
	return []byte("value"), nil
}
