package main

import (
	"os"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
)

// TestPageIsCurrent fails when the code has moved on and the page has not.
func TestPageIsCurrent(t *testing.T) {
	want, err := page(machine.Registry(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../" + operationsPage)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is out of date: run `make gen` and look at the difference", operationsPage)
	}
}

// TestInterfaceIsCurrent fails when an operation or a type of the API has changed
// and its description has not.
func TestInterfaceIsCurrent(t *testing.T) {
	want, err := described()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../" + interfaceFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is out of date: run `make gen` and look at the difference", interfaceFile)
	}
}

// Plant grows a tree.
type Plant struct {
	Kind  Species   `cbor:"1,keyasint" json:"kind"`
	Rings []Ring    `cbor:"2,keyasint,omitempty" json:"rings,omitempty"` // From the middle out.
	Seal  [4]byte   `cbor:"3,keyasint" json:"seal"`
	Other *struct{} `cbor:"4,keyasint" json:"other"`
}

// Species is what grows | stands.
type Species uint8

// Ring is one year.
type Ring struct {
	_     struct{} `cbor:",toarray"`
	Width uint32
}

func TestPage(t *testing.T) {
	wood := op.NewSet("wood", 700)
	op.Define(wood, op.Spec[Plant]{Number: 1, Name: "plant", Doc: "Plant a tree."})
	op.DefineReceipt[Ring](wood, 2, "grown", "A tree grew.")
	_ = wood.Refuse(3, "there is no room")
	air := op.NewSet("air", 100)
	_ = air.Refuse(1, "there is none")
	r, err := op.NewRegistry(wood, air)
	if err != nil {
		t.Fatal(err)
	}
	text, err := page(r, "../..")
	if err != nil {
		t.Fatal(err)
	}
	rest := text
	for _, want := range []string{
		"\n## air\n", "| 101 | there is none |\n",
		"\n## wood\n",
		"\n### wood.plant · operation 701\n\nPlant a tree.\n",
		"| 1 | kind | `main.Species` |  |\n",
		"| 2 | rings | `[]main.Ring` | Optional. From the middle out. |\n",
		"| 3 | seal | `[4]uint8` |  |\n",
		"\n### wood.grown · receipt 702\n",
		"|  | Width | `uint32` |  |\n",
		"| 703 | there is no room |\n",
		"\n## Types\n",
		"\n### main.Ring\n\nRing is one year.\n",
		"\n### main.Species\n\n`uint8`. ",
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("%q is not in what is left of the page:\n%s", want, rest)
		}
		rest = after
	}
}

// TestComments reads the comments of this file.
func TestComments(t *testing.T) {
	text, err := os.ReadFile("page_test.go")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	if err := collect(known, "page_test.go", text); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"Plant":       "Plant grows a tree.",
		"Plant.Rings": "From the middle out.",
		"Species":     "Species is what grows \\| stands.",
		"Plant.Kind":  "",
	} {
		if known[name] != want {
			t.Errorf("%s: %q, want %q", name, known[name], want)
		}
	}
}
