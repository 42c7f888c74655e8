package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/commonwatt/commonwatt/state"
)

// A node writes each block to the chain's map, synced, and then to the ledger.
// The power fails at some point, and of what was not synced any part is on disk.
// What comes back is some block as a whole, none that was not synced in the map,
// and no need of repair.
func TestPowerFails(t *testing.T) {
	for round := range campaign(t, 12) {
		random := rand.New(rand.NewPCG(uint64(round), 7))
		disk := vfs.NewCrashableMem()
		crashAt := random.Int64N(60)
		s, err := Open("", Options{FS: disk})
		if err != nil {
			t.Fatal(err)
		}
		for height := range crashAt {
			writeBoth(t, s, height+1, random)
		}
		after := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: random.IntN(101), RNG: random})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		checkBoth(t, after, crashAt)
	}
}

// writeBoth writes block after block: to the map, and then twenty rows that all
// say which block they are of.
func writeBoth(t *testing.T, s *Store, height int64, random *rand.Rand) {
	t.Helper()
	at := strconv.FormatInt(height, 10)
	body := []byte(strings.Repeat(at+" ", random.IntN(20_000)+1))
	if err := s.KV("blocks").Write(true, [][]byte{[]byte("last")}, [][]byte{body}); err != nil {
		t.Fatal(err)
	}
	var changes []state.Change
	for i := range 20 {
		changes = append(changes, put(fmt.Sprint(i), at))
	}
	commit(t, s, Block{Height: height, Changes: changes, Record: body, Head: []byte(at)})
}

func checkBoth(t *testing.T, disk vfs.FS, crashAt int64) {
	t.Helper()
	s := openTest(t, "", Options{FS: disk})
	last, err := s.KV("blocks").Get([]byte("last"))
	if at := strconv.FormatInt(crashAt, 10); err != nil || crashAt > 0 && !strings.HasPrefix(string(last), at+" ") {
		t.Fatalf("the map is not at %s: %v", at, err)
	}
	head, ok := s.Head()
	for key, row := range s.Ascend([]byte("0"), []byte("z")) {
		if string(row) != string(head) {
			t.Fatalf("row %s is of block %q, the head is of %q", key, row, head)
		}
	}
	if !ok {
		return
	}
	height, err := strconv.ParseInt(string(head), 10, 64)
	if err != nil || height > crashAt {
		t.Fatalf("the head is %q of %d", head, crashAt)
	}
	if _, err := s.Record(height); err != nil {
		t.Error(err)
	}
	if _, err := s.Record(height + 1); !errors.Is(err, ErrNoRecord) {
		t.Errorf("there is a record past the head: %v", err)
	}
	// The store goes on where it came back.
	commit(t, s, Block{Height: height + 1, Head: []byte("next")})
}

// A full disk is never taken for a write.
func TestFullDiskIsNotAcknowledged(t *testing.T) {
	full := errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite && strings.HasSuffix(op.Path, ".log") {
			return syscall.ENOSPC
		}
		return nil
	})}
	s, err := Open("", Options{FS: errorfs.Wrap(vfs.NewMem(), &full)})
	if err != nil {
		t.Fatal(err)
	}
	full.On()
	defer func() {
		var fault Fault
		if err, _ := recover().(error); !errors.As(err, &fault) {
			t.Errorf("a write to a full disk did not stop the node: %v", err)
		}
	}()
	err = s.KV("blocks").Write(true, [][]byte{[]byte("k")}, [][]byte{[]byte("v")})
	t.Errorf("a write to a full disk returned %v", err)
}
