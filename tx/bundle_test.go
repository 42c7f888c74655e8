package tx

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/optest/memory"
)

func TestBundleGivesBackItsEnvelopes(t *testing.T) {
	one := SignEd25519(transfer().Encode(), meter)
	for name, envelopes := range map[string][][]byte{
		"one":             {one},
		"three, one junk": {one, []byte("not an envelope"), one},
		"the most":        slices.Repeat([][]byte{{1}}, MaxBundleEnvelopes),
	} {
		raw, err := EncodeBundle(envelopes)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := DecodeBundle(raw)
		if err != nil || !slices.EqualFunc(got, envelopes, bytes.Equal) {
			t.Errorf("%s: got %d envelopes, %v", name, len(got), err)
		}
		size := BundleOverhead
		for _, e := range envelopes {
			size += len(e) + BundleOverhead
		}
		if len(raw) > size {
			t.Errorf("%s: %d bytes, more than the stated overhead allows", name, len(raw))
		}
	}
}

// The envelopes are slices of the bundle, and appending to one leaves the next.
func TestBundleIsNotCopied(t *testing.T) {
	raw, err := EncodeBundle([][]byte{{1, 2}, {3}})
	if err != nil {
		t.Fatal(err)
	}
	envelopes, err := DecodeBundle(raw)
	if err != nil {
		t.Fatal(err)
	}
	if &envelopes[0][0] != &raw[2] {
		t.Error("the first envelope is a copy")
	}
	_ = append(envelopes[0], 9, 9) // The next head, the next envelope.
	if envelopes[1][0] != 3 {
		t.Error("appending to the first envelope wrote over the second")
	}
}

func TestBundleRefusesInOrderOfPrecedence(t *testing.T) {
	big := make([]byte, MaxEnvelope)
	cases := []struct {
		name string
		raw  []byte
		want Refusal
	}{
		{"too large, and no array", make([]byte, MaxBundle+1), ErrBundleTooLarge},
		{"too many, and cut off", []byte{0x9a, 0, 1, 0, 0}, ErrBundleTooLarge},
		{"nothing", nil, ErrBundleEncoding},
		{"fewer than announced", []byte{0x99, 0x80, 0x00}, ErrBundleEncoding},
		{"a long head", []byte{0x98, 1, 0x41, 1}, ErrBundleEncoding},
		{"texts", []byte{0x81, 0x61, 'a'}, ErrBundleEncoding},
		{"an empty envelope and a byte after the end", []byte{0x81, 0x40, 0}, ErrBundleEncoding},
		{"no envelope", []byte{0x80}, ErrBundleEmpty},
		{"an empty envelope", []byte{0x82, 0x41, 1, 0x40}, ErrBundleMember},
		{"an envelope that is too large", codec.Marshal([][]byte{append(big, 0)}), ErrBundleMember},
	}
	for _, c := range cases {
		if _, err := DecodeBundle(c.raw); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	for name, c := range map[string]struct {
		envelopes [][]byte
		want      Refusal
	}{
		"none":      {nil, ErrBundleEmpty},
		"an empty":  {[][]byte{nil}, ErrBundleMember},
		"too large": {slices.Repeat([][]byte{big}, 8), ErrBundleTooLarge},
		"too many":  {slices.Repeat([][]byte{{1}}, MaxBundleEnvelopes+1), ErrBundleTooLarge},
	} {
		if _, err := EncodeBundle(c.envelopes); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// FuzzBundle holds DecodeBundle against codec.
func FuzzBundle(f *testing.F) {
	for _, raw := range signed(transfer()) {
		bundle, err := EncodeBundle([][]byte{raw, {1}, raw})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bundle)
	}
	memory.Large(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		defer memory.Bound(t)()
		got, err := DecodeBundle(raw)
		var want [][]byte
		accept := codec.Unmarshal(raw, &want) == nil && len(raw) <= MaxBundle && len(want) <= MaxBundleEnvelopes && checkMembers(want) == nil
		if accept != (err == nil) {
			t.Fatalf("codec accepts: %v; DecodeBundle: %v", accept, err)
		}
		if err != nil {
			return
		}
		if !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("read %x, codec reads %x", got, want)
		}
		if again, err := EncodeBundle(got); err != nil || !bytes.Equal(again, raw) {
			t.Fatalf("encodes as %x, %v", again, err)
		}
	})
}

func BenchmarkDecodeBundle(b *testing.B) {
	one := SignEd25519(transfer().Encode(), meter)
	raw, err := EncodeBundle(slices.Repeat([][]byte{one}, 16_000))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := DecodeBundle(raw); err != nil {
			b.Fatal(err)
		}
	}
}
