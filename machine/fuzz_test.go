package machine

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

var corpus = flag.Bool("corpus", false, "write the seeds of the fuzz targets into testdata/fuzz")

// FuzzOperation decodes anything as any operation: without a panic, and what is
// accepted is the canonical encoding of what it decodes to.
func FuzzOperation(f *testing.F) {
	registry, rows := Registry(), newTown(f).rows
	for _, o := range registry.Operations {
		f.Add(o.Kind, codec.Marshal(o.Schema))
		f.Add(o.Kind, codec.Marshal(filled(reflect.TypeOf(o.Schema), 0).Interface()))
	}
	f.Fuzz(func(t *testing.T, kind uint32, raw []byte) {
		o, ok := registry.Operation(kind)
		if !ok {
			return
		}
		decoded, err := o.Decode(raw)
		if err != nil {
			return
		}
		if again := codec.Marshal(decoded); !bytes.Equal(raw, again) {
			t.Errorf("%s accepts %x, and writes %x", o.Name, raw, again)
		}
		// Whatever was accepted is applied or refused, and the ledger balances.
		s := state.NewOverlay(rows)
		ctx := op.Context{ChainID: testChain, Height: 100, Time: 40 * hour, Signer: operator}
		if no := o.Apply(&ctx, s, decoded); no != nil {
			s.Undo()
		}
		if err := Audit(s); err != nil {
			t.Errorf("after %s: %v", o.Name, err)
		}
	})
}

// newTown is the house that fuzz targets meet: a town with a settled interval, an
// open one and a correction that is due.
func newTown(t testing.TB) *house {
	t.Helper()
	h := newPair(t, 1)
	h.closes()
	h.must(operator, record(0, takes(1, 12)), record(1, takes(1, 5), takes(2, 5)), record(2, takes(1, 5)))
	return h
}

// filled is a value of a type in which nothing is zero, as far as it goes.
func filled(kind reflect.Type, depth int) reflect.Value {
	v := reflect.New(kind).Elem()
	switch kind.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(int64(1 + depth))
	case reflect.Uint8, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(1 + depth%2))
	case reflect.String:
		v.SetString("text")
	case reflect.Slice:
		size := 1
		if kind.Elem().Kind() == reflect.Uint8 {
			size = 32
		}
		v.Set(reflect.MakeSlice(kind, size, size))
		for i := range size {
			v.Index(i).Set(filled(kind.Elem(), depth+i+1))
		}
	case reflect.Pointer:
		v.Set(reflect.New(kind.Elem()))
		v.Elem().Set(filled(kind.Elem(), depth+1))
	case reflect.Struct:
		for i := range kind.NumField() {
			if kind.Field(i).Name != "_" {
				v.Field(i).Set(filled(kind.Field(i).Type, depth+1))
			}
		}
	default:
		panic("an operation with a " + kind.String())
	}
	return v
}

// closeSeeds are transactions of closes: due, not due, malformed.
func closeSeeds() [][]byte {
	again, next := Close{Microgrid: town, Again: true}, Close{Microgrid: town, Start: hour}
	return [][]byte{
		EncodeCloses(nil),
		EncodeCloses([]Close{again, next}),
		EncodeCloses([]Close{next, again}),
		EncodeCloses([]Close{{Microgrid: town + 1, Start: -hour}}),
		append(EncodeCloses([]Close{again}), 0),
		{KindCloses, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	}
}

// FuzzCloses checks and executes anything as closes. What is accepted by the
// check is done without a refusal.
func FuzzCloses(f *testing.F) {
	for _, raw := range closeSeeds() {
		f.Add(raw)
	}
	town := newTown(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := town.again(t)
		accepted := h.machine.CheckCloses(raw) == nil
		for _, o := range h.block(raw) {
			if accepted && o.Code != 0 {
				t.Errorf("what was due is refused: %s", refusalText(o.Code))
			}
		}
	})
}

// blockSeeds are transactions of every kind.
func blockSeeds(h *house) [][]byte {
	t := h.t
	good := h.sign(operator, record(2, takes(2, 7)))
	seeds := append(closeSeeds(), nil, bundle(t, good), bundle(t, good, good, []byte("none")), []byte{KindBundle}, []byte{3, 4})
	for _, o := range Registry().Operations {
		body := codec.Marshal(filled(reflect.TypeOf(o.Schema), 0).Interface())
		seeds = append(seeds, bundle(t, h.sign(operator, tx.Operation{Kind: o.Kind, Body: body})))
	}
	return seeds
}

// FuzzBlock executes any two transactions as a block: without a panic, and the
// app hash moves when something was changed or said, only then (house.block).
func FuzzBlock(f *testing.F) {
	town := newTown(f)
	seeds := blockSeeds(town.again(f))
	for n := range seeds {
		f.Add(seeds[n], seeds[(n+1)%len(seeds)])
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		town.again(t).block(first, second)
	})
}

// again is the same house at the same head, on rows of its own.
func (h *house) again(t testing.TB) *house {
	t.Helper()
	copied := &house{t: t, rows: state.NewMemory(), time: h.time, nonces: map[tx.AccountID]uint64{operator: 100}}
	var rows []state.Change
	for key, row := range h.rows.Ascend(nil, []byte{0xff}) {
		rows = append(rows, state.Change{Key: key, Row: row})
	}
	copied.rows.Apply(rows)
	m, err := New(copied.rows, h.machine.Head(), Environment{})
	if err != nil {
		t.Fatal(err)
	}
	copied.machine = m
	return copied
}

// TestCorpus keeps the seeds of operations in testdata/fuzz, by name, so that a
// change of an operation's bytes shows in a review. -corpus writes them.
func TestCorpus(t *testing.T) {
	for _, o := range Registry().Operations {
		body := codec.Marshal(filled(reflect.TypeOf(o.Schema), 0).Interface())
		seed := fmt.Sprintf("go test fuzz v1\nuint32(%d)\n[]byte(%s)\n", o.Kind, strconv.Quote(string(body)))
		name := filepath.Join("testdata", "fuzz", "FuzzOperation", o.Name)
		if *corpus {
			if err := os.WriteFile(name, []byte(seed), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if was, err := os.ReadFile(name); err != nil || string(was) != seed {
			t.Errorf("%s: the bytes of %s changed, or are not there (%v): they are part of the protocol", name, o.Name, err)
		}
	}
}
