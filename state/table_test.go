package state

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/interval"
)

// zone and meter are keys as domains have them: a number, and a number under it.
type zone uint16

func (z zone) AppendKey(b []byte) []byte { return binary.BigEndian.AppendUint16(b, uint16(z)) }
func (zone) ReadKey(b []byte) zone       { return zone(binary.BigEndian.Uint16(b)) }

type meter struct {
	zone   zone
	number uint8
}

func (m meter) AppendKey(b []byte) []byte { return append(m.zone.AppendKey(b), m.number) }
func (meter) ReadKey(b []byte) meter      { return meter{zone(0).ReadKey(b), b[2]} }

var (
	energies = NewTable[meter, int64]("test.energy")
	limits   = NewHistory[meter, int64]("test.limit")
)

func TestTable(t *testing.T) {
	s := NewOverlay(naive{})
	NewTable[meter, int64]("test.energx").Put(s, meter{0xffff, 0xff}, -1)
	NewTable[meter, int64]("test.energy2").Put(s, meter{0, 0}, -2)
	for n, m := range []meter{{2, 0}, {1, 9}, {1, 255}, {255, 255}, {256, 0}, {0xffff, 0xff}} {
		energies.Put(s, m, int64(n))
	}
	energies.Put(s, meter{3, 3}, 3)
	energies.Delete(s, meter{3, 3})

	if row, ok := energies.Get(s, meter{1, 255}); !ok || row != 2 {
		t.Errorf("get: %d, %v", row, ok)
	}
	if _, ok := energies.Get(s, meter{3, 3}); ok || energies.Has(s, meter{3, 3}) || !energies.Has(s, meter{2, 0}) {
		t.Error("a deleted row is there, or another is not")
	}
	for _, c := range []struct {
		what string
		got  iter.Seq2[meter, int64]
		want string
	}{
		{"all", energies.All(s), "[{1 9}=1 {1 255}=2 {2 0}=0 {255 255}=3 {256 0}=4 {65535 255}=5]"},
		{"under a zone", energies.Under(s, zone(1)), "[{1 9}=1 {1 255}=2]"},
		{"under a zone whose next carries", energies.Under(s, zone(255)), "[{255 255}=3]"},
		{"under the last zone", energies.Under(s, zone(0xffff)), "[{65535 255}=5]"},
		{"under a zone without rows", energies.Under(s, zone(7)), "[]"},
		{"a range", energies.Range(s, meter{1, 255}, meter{255, 255}), "[{1 255}=2 {2 0}=0]"},
	} {
		if got := list(c.got); got != c.want {
			t.Errorf("%s: %s, want %s", c.what, got, c.want)
		}
	}
	for _, c := range []struct {
		to   meter
		want string
	}{{meter{255, 255}, "{2 0}=0 true"}, {meter{2, 0}, "{1 255}=2 true"}, {meter{1, 255}, "{0 0}=0 false"}} {
		m, row, ok := energies.Last(s, meter{1, 255}, c.to)
		if got := fmt.Sprintf("%v=%d %t", m, row, ok); got != c.want {
			t.Errorf("the last before %v: %s, want %s", c.to, got, c.want)
		}
	}
	if got, want := string(energies.Key(meter{1, 2})), "test.energy/\x00\x01\x02"; got != want {
		t.Errorf("the key is %q, want %q", got, want)
	}
}

// list writes out rows, and stops and starts again once on the way.
func list(rows iter.Seq2[meter, int64]) string {
	out := []string{}
	for range rows {
		break
	}
	for m, row := range rows {
		out = append(out, fmt.Sprintf("%v=%d", m, row))
	}
	return fmt.Sprint(out)
}

func TestHistory(t *testing.T) {
	s := NewOverlay(naive{})
	house := meter{1, 1}
	limits.Put(s, house, -100, 5)
	limits.Put(s, house, 900, 10)
	limits.Put(s, house, 1800, 20)
	limits.Put(s, house, 1800, 21) // Replaces the row before it.
	limits.Put(s, meter{1, 0}, 900, 98)
	limits.Put(s, meter{1, 2}, 0, 99)
	for _, c := range []struct {
		at, since interval.Time
		want      int64
		ok        bool
	}{
		{math.MinInt64, 0, 0, false},
		{-101, 0, 0, false},
		{-100, -100, 5, true},
		{0, -100, 5, true},
		{899, -100, 5, true},
		{900, 900, 10, true},
		{1799, 900, 10, true},
		{1800, 1800, 21, true},
		{math.MaxInt64, 1800, 21, true},
	} {
		row, since, ok := limits.At(s, house, c.at)
		if row != c.want || since != c.since || ok != c.ok {
			t.Errorf("at %d: %d since %d, %v; want %d since %d, %v", c.at, row, since, ok, c.want, c.since, c.ok)
		}
	}
	if _, _, ok := limits.At(s, meter{9, 9}, 900); ok {
		t.Error("a meter without rows has one")
	}
}

func TestTimeOrder(t *testing.T) {
	times := []interval.Time{math.MinInt64, -1 << 40, -1, 0, 1, 900, 1 << 40, math.MaxInt64}
	var keys []string
	for _, at := range times {
		key := AppendTime(nil, at)
		if back := ReadTime(key); back != at {
			t.Errorf("%d reads back as %d", at, back)
		}
		keys = append(keys, string(key))
	}
	if !slices.IsSorted(keys) {
		t.Errorf("byte order is not order in time: %q", keys)
	}
}
