package api

import (
	"strings"
	"testing"
)

// heard reads what waits for a follower, and whether it was ended.
func heard(c chan message) (n int, ended bool) {
	for {
		select {
		case _, open := <-c:
			if !open {
				return n, true
			}
			n++
		default:
			return n, false
		}
	}
}

// A follower that takes nothing is ended, and nobody waits for it; who keeps up
// hears everything.
func TestSlowFollowerIsEnded(t *testing.T) {
	e := &events{most: 2, clients: map[chan message]bool{}}
	slow, _ := e.join()
	quick, _ := e.join()
	if _, ok := e.join(); ok {
		t.Error("a third follower has joined")
	}
	took := 0
	for n := range followerMax + 1 {
		e.tell(reset(int64(n)))
		now, _ := heard(quick)
		took += now
	}
	if n, ended := heard(slow); n != followerMax || !ended {
		t.Errorf("the slow one heard %d, ended: %v", n, ended)
	}
	if took != followerMax+1 || !e.clients[quick] {
		t.Errorf("the quick one heard %d", took)
	}
	e.leave(slow) // Once more does no harm.
	if _, ok := e.join(); !ok {
		t.Error("its place is not free")
	}
}

// What an id says is read back, and orders as the ledger does: by block, within it
// by microgrid and start, and its end is after all of it.
func TestPosition(t *testing.T) {
	ordered := []position{
		{height: 1, whole: true}, {2, false, 1 << 63, 900}, {2, false, 7, 0}, {2, false, 7, 900}, {2, false, 8, 0}, {height: 2, whole: true}, {3, false, 1, 0},
	}
	for i, p := range ordered {
		if q, ok := positionOf(p.String()); !ok || q != p {
			t.Errorf("%s is read as %s, %v", p, q, ok)
		}
		for j, q := range ordered {
			if p.after(q) != (i > j) {
				t.Errorf("%s after %s: %v", p, q, p.after(q))
			}
		}
	}
	for _, id := range []string{"", "-1", "x", "1.", "1.2", "1.2.x", "1.-2.3", "1.2.3.4", strings.Repeat("9", 40)} {
		if p, ok := positionOf(id); ok {
			t.Errorf("%q is read as %s", id, p)
		}
	}
}
