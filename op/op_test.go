package op

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// A domain with one operation: a counter that members count up, to ten at most.
var (
	counter    = NewSet("counter", 100)
	errNothing = counter.Refuse(1, "there is nothing to count")
	errTooMany = counter.Refuse(2, "ten is the most")
	counted    = DefineReceipt[total](counter, 1, "counted", "The counter went up.")
	countKind  = Define(counter, Spec[count]{
		Number: 7,
		Name:   "count",
		Doc:    "Count up.",
		Check: func(c *count) *Refusal {
			if c.By == 0 {
				return errNothing
			}
			return nil
		},
		Apply: func(ctx *Context, s state.Store, c *count) *Refusal {
			t, _ := totals.Get(s, ctx.Signer)
			if t.Sum += c.By; t.Sum > 10 {
				return errTooMany
			}
			totals.Put(s, ctx.Signer, t)
			Emit(ctx, counted, ctx.Signer, t)
			return nil
		},
	})
	totals = state.NewTable[tx.AccountID, total]("counter.total")
)

type count struct {
	By uint64 `cbor:"1,keyasint"`
}

type total struct {
	Sum uint64 `cbor:"1,keyasint"`
}

// TestOperation follows one operation from its bytes to its receipt.
func TestOperation(t *testing.T) {
	registry, err := NewRegistry(counter)
	if err != nil {
		t.Fatal(err)
	}
	sent := countKind.Encode(count{By: 6})
	operation, ok := registry.Operation(sent.Kind)
	if !ok || operation.Name != "counter.count" || operation.Kind != 107 || operation.Schema != (count{}) {
		t.Fatalf("kind %d is %+v", sent.Kind, operation)
	}
	o, err := operation.Decode(sent.Body)
	if err != nil {
		t.Fatal(err)
	}
	s, ctx := state.NewOverlay(state.NewMemory()), &Context{Signer: 3}
	if no := operation.Apply(ctx, s, o); no != nil {
		t.Fatal(no)
	}
	receipts := ctx.Take()
	if len(receipts) != 1 || receipts[0].Audience != 3 || counted.Read(receipts[0]) != (total{6}) {
		t.Errorf("receipts: %+v", receipts)
	}
	if no := operation.Apply(ctx, s, o); !errors.Is(no, errTooMany) {
		t.Errorf("a second six: %v, want %v", no, errTooMany)
	}
	if again := ctx.Take(); len(again) != 0 {
		t.Errorf("a refused operation left receipts: %+v", again)
	}
	if _, ok := registry.Operation(108); ok {
		t.Error("there is an operation nobody defined")
	}
}

func TestDecodeRefuses(t *testing.T) {
	registry, err := NewRegistry(counter)
	if err != nil {
		t.Fatal(err)
	}
	operation, _ := registry.Operation(countKind.Number)
	for _, c := range []struct {
		what string
		raw  []byte
		err  error
	}{
		{"what Check refuses", codec.Marshal(count{}), errNothing},
		{"another spelling", []byte{0xa1, 0x01, 0x18, 0x01}, codec.ErrNotCanonical},
	} {
		if _, err := operation.Decode(c.raw); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.what, err, c.err)
		}
	}
}

func TestRefusalText(t *testing.T) {
	if got, want := errTooMany.Error(), "counter: ten is the most (refusal 102)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestRegistryRefusesTwice tries what two domains must not share.
func TestRegistryRefusesTwice(t *testing.T) {
	for _, c := range []struct {
		want   string
		define func(*Set)
	}{
		{"operation 107 ", func(s *Set) { Define(s, Spec[count]{Number: 7, Name: "other"}) }},
		{"operation counter.count ", func(s *Set) { Define(s, Spec[count]{Number: 8, Name: "count"}) }},
		{"receipt 101 ", func(s *Set) { DefineReceipt[total](s, 1, "other", "") }},
		{"receipt counter.counted ", func(s *Set) { DefineReceipt[total](s, 2, "counted", "") }},
		{"refusal 102 ", func(s *Set) { _ = s.Refuse(2, "other") }},
	} {
		second := NewSet("counter", 100)
		c.define(second)
		if _, err := NewRegistry(counter, second); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q is not reported: %v", c.want, err)
		}
	}
}

func TestRegistryIsSorted(t *testing.T) {
	first, last := NewSet("first", 0), NewSet("last", 1000)
	for n := uint32(3); n > 0; n-- {
		for _, s := range []*Set{last, first} {
			Define(s, Spec[count]{Number: n, Name: fmt.Sprint("verb", n)})
			DefineReceipt[total](s, n, fmt.Sprint("done", n), "")
			_ = s.Refuse(n, "no")
		}
	}
	r, err := NewRegistry(last, first)
	if err != nil {
		t.Fatal(err)
	}
	var kinds, receipts, refusals []uint32
	for i := range r.Operations {
		kinds = append(kinds, r.Operations[i].Kind)
		receipts = append(receipts, r.Receipts[i].Kind)
		refusals = append(refusals, r.Refusals[i].Code)
	}
	want := []uint32{1, 2, 3, 1001, 1002, 1003}
	if !slices.Equal(kinds, want) || !slices.Equal(receipts, want) || !slices.Equal(refusals, want) {
		t.Errorf("operations %v, receipts %v, refusals %v; want %v", kinds, receipts, refusals, want)
	}
}

func TestReadPanicsOnAnotherReceipt(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a receipt of another kind was read")
		}
	}()
	counted.Read(Receipt{Kind: 102, Body: codec.Marshal(total{})})
}
