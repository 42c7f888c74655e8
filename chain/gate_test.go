package chain

import (
	"testing"
	"testing/synctest"
)

// Nobody reaches a map behind a closed gate, and closing waits for who is inside.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		slow := &slowKV{inside: make(chan struct{}), leave: make(chan struct{})}
		through := g.through(func(string) KV { return slow })("blocks")
		go func() { _, _ = through.Get([]byte("a")) }()
		<-slow.inside
		closed := false
		go func() {
			g.close()
			closed = true
		}()
		if synctest.Wait(); closed {
			t.Error("did not wait for who is inside")
		}
		close(slow.leave)
		if synctest.Wait(); !closed {
			t.Error("still waits")
		}
		if value, err := through.Get([]byte("a")); value != nil || err != nil || slow.asked != 1 {
			t.Errorf("%q, %v, asked %d times", value, err, slow.asked)
		}
	})
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
