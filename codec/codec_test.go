package codec

import (
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/commonwatt/commonwatt/optest/memory"
)

// row has a field of every shape that rows are made of.
type row struct {
	ID    uint64   `cbor:"1,keyasint"`
	Delta int64    `cbor:"2,keyasint"`
	Name  string   `cbor:"3,keyasint"`
	Key   []byte   `cbor:"4,keyasint"`
	Open  bool     `cbor:"5,keyasint"`
	Parts []part   `cbor:"6,keyasint"`
	Hash  [4]byte  `cbor:"7,keyasint"`
	Small uint8    `cbor:"8,keyasint,omitempty"`
	Tags  []string `cbor:"9,keyasint,omitempty"`
}

// part is written as an array.
type part struct {
	_      struct{} `cbor:",toarray"`
	Weight uint32
	Sign   int8
}

// TestExamples holds the encoding to examples of RFC 8949 Appendix A.
func TestExamples(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{uint64(0), "00"},
		{uint64(10), "0a"},
		{uint64(23), "17"},
		{uint64(24), "1818"},
		{uint64(100), "1864"},
		{uint64(1000), "1903e8"},
		{uint64(1_000_000), "1a000f4240"},
		{uint64(1_000_000_000_000), "1b000000e8d4a51000"},
		{uint64(math.MaxUint64), "1bffffffffffffffff"},
		{int64(-1), "20"},
		{int64(-100), "3863"},
		{int64(-1000), "3903e7"},
		{false, "f4"},
		{true, "f5"},
		{[]byte{}, "40"},
		{[]byte{1, 2, 3, 4}, "4401020304"},
		{"", "60"},
		{"IETF", "6449455446"},
		{"ü", "62c3bc"},
		{[]uint64{}, "80"},
		{[]uint64{1, 2, 3}, "83010203"},
		{map[uint64]uint64{1: 2, 3: 4}, "a201020304"},
		{map[string]string{"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}, "a56161614161626142616361436164614461656145"},
	} {
		raw := Marshal(c.value)
		if got := hex.EncodeToString(raw); got != c.want {
			t.Errorf("%v is written %s, want %s", c.value, got, c.want)
		}
		back := reflect.New(reflect.TypeOf(c.value))
		if err := Unmarshal(raw, back.Interface()); err != nil || !reflect.DeepEqual(back.Elem().Interface(), c.value) {
			t.Errorf("%s reads back as %v, %v", c.want, back.Elem(), err)
		}
	}
}

// TestRefused lists other ways to write a value, each of which an encoder could
// be talked into, and bytes that are no value at all.
func TestRefused(t *testing.T) {
	pair := func() any {
		return &struct {
			A uint64 `cbor:"1,keyasint"`
			B uint64 `cbor:"2,keyasint"`
		}{}
	}
	number, text, octets, list := new(uint64), new(string), new([]byte), new([]uint64)
	for _, c := range []struct {
		what string
		raw  string
		into any
	}{
		{"0 in two bytes", "1800", number},
		{"23 in two bytes", "1817", number},
		{"255 in three bytes", "1900ff", number},
		{"1 in five bytes", "1a00000001", number},
		{"1 in nine bytes", "1b0000000000000001", number},
		{"-1 in two bytes", "3800", new(int64)},
		{"a long length of bytes", "580101", octets},
		{"a long length of text", "780161", text},
		{"a long length of a list", "980101", list},
		{"a long length of a map", "b80201010202", pair()},
		{"bytes of indefinite length", "5f4101ff", octets},
		{"text of indefinite length", "7f6161ff", text},
		{"a list of indefinite length", "9f01ff", list},
		{"a map of indefinite length", "bf01010202ff", pair()},
		{"keys out of order", "a202020101", pair()},
		{"a key twice", "a3010101010202", pair()},
		{"an unknown key", "a3010102020303", pair()},
		{"a key that is missing", "a10101", pair()},
		{"text in place of an integer key", "a2613101613202", pair()},
		{"null in place of a number", "f6", number},
		{"undefined in place of a number", "f7", number},
		{"null in place of a list", "f6", list},
		{"a float that is a whole number", "f93c00", number},
		{"a float in a list", "81f93c00", list},
		{"a tag", "c001", number},
		{"a number in a big number's tag", "c24101", number},
		{"a number above its type", "190100", new(uint8)},
		{"a negative number for an unsigned one", "20", number},
		{"text for bytes", "6161", octets},
		{"bytes for text", "4161", text},
		{"a list for bytes", "8101", octets},
		{"too few bytes for an array of bytes", "43010203", new([4]byte)},
		{"too many bytes for an array of bytes", "450102030405", new([4]byte)},
		{"too few elements for a struct", "8101", new(part)},
		{"too many elements for a struct", "83010203", new(part)},
		{"text that is not UTF-8", "61ff", text},
		{"bytes after the value", "0000", number},
		{"a value cut short", "1903", number},
		{"nothing", "", number},
		{"a reserved length", "1c", number},
		{"a list that claims more than there is", "9b7fffffffffffffff", list},
		{"a list past the bound", "9a00020001" + strings.Repeat("00", MaxElements+1), list},
		{"lists in lists past the bound", strings.Repeat("81", MaxNesting+1) + "00", new(any)},
	} {
		raw, err := hex.DecodeString(c.raw)
		if err != nil {
			t.Fatal(err)
		}
		if err := Unmarshal(raw, c.into); err == nil {
			t.Errorf("%s: %.40s is accepted", c.what, c.raw)
		}
	}
}

// TestOptional checks that a field with omitempty has one spelling of empty.
func TestOptional(t *testing.T) {
	raw := Marshal(row{})
	if err := Unmarshal(raw, new(row)); err != nil {
		t.Fatal(err)
	}
	spelled := append([]byte{raw[0] + 1}, append(raw[1:], 0x08, 0x00)...)
	if err := Unmarshal(spelled, new(row)); !errors.Is(err, ErrNotCanonical) {
		t.Errorf("an empty field that is spelled out: error %v, want %v", err, ErrNotCanonical)
	}
}

// TestRoundTrip checks that values survive and that equal values, and only
// they, have equal bytes.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRow(t), drawRow(t)
		raw := Marshal(a)
		var back row
		if err := Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		var kept row
		Read(raw, &kept)
		if again := Marshal(kept); string(again) != string(raw) || string(Marshal(back)) != string(raw) {
			t.Fatalf("%x reads back as %x", raw, again)
		}
		if same := reflect.DeepEqual(back, readBack(b)); same != (string(raw) == string(Marshal(b))) {
			t.Fatalf("%+v and %+v: equal %v, and their bytes say otherwise", a, b, same)
		}
	})
}

func drawRow(t *rapid.T) row {
	return row{
		ID:    rapid.Uint64().Draw(t, "id"),
		Delta: rapid.Int64().Draw(t, "delta"),
		Name:  rapid.String().Draw(t, "name"),
		Key:   rapid.SliceOf(rapid.Byte()).Draw(t, "key"),
		Open:  rapid.Bool().Draw(t, "open"),
		Parts: make([]part, rapid.IntRange(0, 30).Draw(t, "parts")),
		Small: rapid.Uint8().Draw(t, "small"),
		Tags:  rapid.SliceOf(rapid.StringN(0, 5, -1)).Draw(t, "tags"),
	}
}

func readBack(r row) (back row) {
	Read(Marshal(r), &back)
	return back
}

func TestPanics(t *testing.T) {
	for what, f := range map[string]func(){
		"a value without bytes":       func() { Marshal(make(chan int)) },
		"a row that does not read":    func() { Read([]byte{0x61}, new(uint64)) },
		"a row of another shape":      func() { Read([]byte{0x01}, new(row)) },
		"a row with an unknown field": func() { Read([]byte{0xa1, 0x18, 0x63, 0x00}, new(row)) },
	} {
		t.Run(what, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

// FuzzUnmarshal looks for bytes that are accepted and are not the encoding of
// what they are read as.
func FuzzUnmarshal(f *testing.F) {
	f.Add(Marshal(row{}))
	f.Add(Marshal(row{ID: 1, Delta: -1, Name: "ü", Key: []byte{0}, Open: true, Parts: []part{{Weight: 1, Sign: -1}}, Small: 1, Tags: []string{""}}))
	f.Add([]byte{0xbf, 0x01, 0x18, 0x00, 0xff})
	f.Add([]byte{0xa1, 0x01, 0xf9, 0x3c, 0x00})
	memory.Large(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		defer memory.Bound(t)()
		var r row
		if Unmarshal(raw, &r) == nil && string(Marshal(r)) != string(raw) {
			t.Errorf("%x is accepted and written %x", raw, Marshal(r))
		}
	})
}
