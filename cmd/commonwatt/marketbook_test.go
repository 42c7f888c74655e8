package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/optest/memory"
)

// FuzzBook reads anything as a book. It is refused with a path, or it is a
// valid book; and what a valid book clears to survives being written and read,
// and holds against the book.
func FuzzBook(f *testing.F) {
	examples, err := filepath.Glob("../../examples/market/*.json")
	if err != nil || len(examples) == 0 {
		f.Fatalf("no example books: %v", err)
	}
	for _, name := range examples {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	memory.Large(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		defer memory.Bound(t)()
		book, refusal := decodeBook(text)
		if refusal != nil {
			if refusal.Path == "" || refusal.Problem == "" {
				t.Fatalf("a refusal says too little: %+v", refusal)
			}
			return
		}
		if err := book.Validate(); err != nil {
			t.Fatalf("a bad book is read: %v", err)
		}
		if len(book.Orders) > 50 || len(book.Zones) > 50 {
			return
		}
		cleared := auction.Clear(book)
		var written bytes.Buffer
		if err := writeResultJSON(&written, book, cleared); err != nil {
			t.Fatal(err)
		}
		read, refusal, err := decodeResult(book, written.Bytes())
		if refusal != nil || err != nil {
			t.Fatalf("what was written is refused: %v, %v\n%s", refusal, err, written.String())
		}
		if again := new(bytes.Buffer); writeResultJSON(again, book, read) != nil || !bytes.Equal(again.Bytes(), written.Bytes()) {
			t.Errorf("reading changes the result:\n%s\n%s", written.String(), again.String())
		}
		if err := auction.Check(book, read); err != nil {
			t.Errorf("the result fails: %v\n%s\n%s", err, text, written.String())
		}
	})
}

// TestTheDefaultsOfABook reads the shortest book there is.
func TestTheDefaultsOfABook(t *testing.T) {
	for text, want := range map[string]auction.Book{
		`{"zones":[{"id":"a"}],"orders":[]}`:                                                   {MembersFirst: true, Rule: auction.SplitRule},
		`{"zones":[{"id":"a"}],"orders":[],"members_first":false}`:                             {Rule: auction.ClearingRule},
		`{"zones":[{"id":"a"}],"orders":[],"members_first":false,"price_rule":"split"}`:        {Rule: auction.SplitRule},
		`{"price_rule":"clearing","zones":[{"id":"a"}],"orders":[],"members_first":true}`:      {MembersFirst: true, Rule: auction.ClearingRule},
		`{"zones":[{"id":"\u0061"}],"orders":[],"seed":"","utility":null,"mode":"mid-market"}`: {MembersFirst: true, Mode: auction.MidMarket, Seed: []byte{}},
	} {
		want.Zones = []auction.Zone{{
			ID: "a", Parent: auction.NoParent, ExportLimit: auction.NoLimit, ImportLimit: auction.NoLimit,
		}}
		got, refusal := decodeBook([]byte(text))
		if refusal != nil {
			t.Errorf("%s: %v", text, refusal)
		} else if !reflect.DeepEqual(got, &want) {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
