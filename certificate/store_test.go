package certificate

import (
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// storing is a town whose battery stores certificates.
func storingTown(t testing.TB, m Method, correction uint32) *optest.World {
	t.Helper()
	w := newTown(t, correction)
	w.Must(t, operator, RegisterStoreKind.Encode(RegisterStore{Microgrid: town, Device: battery, EfficiencyPPM: 900_000, Method: m}))
	return w
}

// storedOf returns what the battery took and gave as hours became final.
func storedOf(receipts []op.Receipt) (list []Stored) {
	for _, said := range receipts {
		if said.Kind == StoredReceipt.Kind {
			list = append(list, StoredReceipt.Read(said))
		}
	}
	return list
}

// lived closes hours, and as many more as it takes to make them final.
func lived(w *optest.World, hours ...Cleared) (list []Stored) {
	for _, h := range append(hours, hourOf(home{}, home{}, home{})) {
		_, receipts := closedWith(w, h)
		list = append(list, storedOf(receipts)...)
	}
	return list
}

// What a battery gives comes of what charged it, by each method: first the panels, then
// what ann bought of the wind, at 90 %.
func TestStoreMethods(t *testing.T) {
	sun := hourOf(home{made: 500, charged: 500}, home{}, home{})
	wind := hourOf(home{imported: 300, charged: 300}, home{made: 300, exported: 300}, home{}, green(1, 0, 300))
	gives := hourOf(home{discharged: 540}, home{}, home{}) // 600 of the 800 that are there.
	for _, c := range []struct {
		method  Method
		sources []Source
		rest    []Source
	}{
		{FIFO, []Source{{Device: panels, Energy: 500}, {Device: turbine, Start: hour, Energy: 100}}, []Source{{Device: turbine, Start: hour, Energy: 200}}},
		{LIFO, []Source{{Device: turbine, Start: hour, Energy: 300}, {Device: panels, Energy: 300}}, []Source{{Device: panels, Energy: 200}}},
		{
			Weighted,
			[]Source{{Device: panels, Energy: 375}, {Device: turbine, Start: hour, Energy: 225}},
			[]Source{{Device: panels, Energy: 125}, {Device: turbine, Start: hour, Energy: 75}},
		},
	} {
		w := storingTown(t, c.method, 0)
		said := lived(w, sun, wind, gives)
		if len(said) != 3 || said[0].Parts[0] != (Part{Microgrid: town, Device: panels, Energy: 500}) || said[1].Holds != 800 {
			t.Fatalf("method %d: %+v", c.method, said)
		}
		if last := said[2]; last.Out != 540 || last.Holds != 200 || !slices.Equal(last.Sources, c.sources) {
			t.Errorf("method %d: it gave %+v", c.method, last)
		}
		d := grid.Device{Microgrid: town, Device: battery}
		if rest := slices.Collect(InStore(w, d)); !slices.Equal(rest, c.rest) {
			t.Errorf("method %d: %+v are left", c.method, rest)
		}
		x, _ := StoreAt(w, d)
		if x.In != 800 || x.Out != 540 || x.Lost != 60 || x.Holds() != 200 {
			t.Errorf("method %d: %+v", c.method, x)
		}
		l, _ := LotAt(w, LotID{town, 2 * hour, battery})
		if l.Issued != 540 || l.Claimed != 540 || l.Owner != ann {
			t.Errorf("method %d: the lot is %+v", c.method, l)
		}
		if l, _ = LotAt(w, LotID{town, 0, panels}); l.Stored != 500 || l.Held != 0 {
			t.Errorf("method %d: what charged it is %+v", c.method, l)
		}
		audit(t, w)
	}
}

// A store gives no more than what went in, less its losses; what is claimed is what the
// home used, and the rest is the home's.
func TestStoreGives(t *testing.T) {
	w := storingTown(t, FIFO, 0)
	said := lived(w,
		hourOf(home{made: 101, charged: 300}, home{}, home{}), // Charged with more than is certified.
		hourOf(home{discharged: 500, exported: 60}, home{}, home{}),
		hourOf(home{discharged: 500, exported: 60}, home{}, home{}))
	if len(said) != 2 || said[1].Out != 90 || said[1].Sources[0].Energy != 100 || said[1].Holds != 1 { // 1 Wh gives nothing.
		t.Errorf("of 101 it gave %+v", said)
	}
	l, _ := LotAt(w, LotID{town, hour, battery})
	if l.Issued != 90 || l.Claimed != 90 { // The home used 440: all of it is claimed.
		t.Errorf("the lot is %+v", l)
	}
	audit(t, w)

	w = storingTown(t, FIFO, 0)
	lived(w, hourOf(home{made: 1000, charged: 1000}, home{}, home{}), hourOf(home{discharged: 500, exported: 460}, home{}, home{}))
	if l, _ = LotAt(w, LotID{town, hour, battery}); l.Issued != 500 || l.Claimed != 40 || Held(w, LotID{town, hour, battery}, ann) != 460 {
		t.Errorf("the home used 40 of what it gave, and the lot is %+v", l)
	}
	audit(t, w)

	w = storingTown(t, FIFO, 0)
	w.Must(t, ann, ChooseKind.Encode(Choose{Microgrid: town, Point: 31, Choice: Choice{Keep: true}}))
	lived(w, hourOf(home{made: 1000, charged: 400}, home{}, home{}), hourOf(home{discharged: 500}, home{}, home{}))
	if l, _ = LotAt(w, LotID{town, hour, battery}); l.Issued != 360 || l.Claimed != 0 || Held(w, LotID{town, 0, panels}, ann) != 600 {
		t.Errorf("who keeps claims nothing, and the lot is %+v", l)
	}
	audit(t, w)
}

// What charges a store is locked as its hour becomes final, by what the readings say
// then.
func TestStoreCorrected(t *testing.T) {
	w := storingTown(t, FIFO, 24*hour)
	first, second := hourOf(home{made: 500, charged: 500}, home{}, home{}), hourOf(home{made: 500, charged: 200}, home{}, home{})
	closed(w, first)
	Reissue(&w.Ctx, w, town, interval.Interval{Length: interval.Minutes60}, first, second, 2)
	var said []Stored
	for range 26 {
		said = append(said, lived(w)...)
	}
	if len(said) != 1 || said[0].Charged != 200 || said[0].Holds != 200 {
		t.Errorf("it took %+v", said)
	}
	audit(t, w)
}

// What stays in a store for longer than certificates live is lost.
func TestStoreSpoils(t *testing.T) {
	for _, method := range []Method{FIFO, LIFO, Weighted} {
		w := storingTown(t, method, 0)
		lived(w, hourOf(home{made: 500, charged: 500}, home{}, home{}), hourOf(home{made: 0}, home{}, home{}), hourOf(home{made: 100, charged: 100}, home{}, home{}))
		nothing := hourOf(home{}, home{}, home{})
		for m, _ := grid.At(w, town); m.Open < Lifetime+hour; m, _ = grid.At(w, town) {
			closed(w, nothing)
		}
		said := lived(w, hourOf(home{discharged: 500}, home{}, home{}))
		want := quantity.Energy(500)
		if method == Weighted {
			want = 0 // It is mixed with what came later.
		}
		if len(said) != 1 || said[0].Spoilt != want {
			t.Errorf("method %d: it lost %+v", method, said)
		}
		audit(t, w)
	}
}

// A store that has taken of many gives of so many at once and no more.
func TestStoreIsBounded(t *testing.T) {
	w := storingTown(t, FIFO, 0)
	for range maxSources + 36 {
		lived(w, hourOf(home{made: 10, charged: 10}, home{}, home{}))
	}
	said := lived(w, hourOf(home{discharged: 5000}, home{}, home{}))
	if last := said[len(said)-1]; len(last.Sources) != maxSources || last.Out != 576 || last.Holds != 360 {
		t.Errorf("it gave %d of %d lots and holds %d", last.Out, len(last.Sources), last.Holds)
	}
	audit(t, w)
}

func TestRegisterStoreRefuses(t *testing.T) {
	good := RegisterStore{Microgrid: town, Device: battery, EfficiencyPPM: 900_000, Method: FIFO}
	optest.Precedence(t, newTown(t, 0), operator, RegisterStoreKind, good, []optest.Broken[RegisterStore]{
		{ErrStoreChange, func(w *optest.World, _ *tx.AccountID, o *RegisterStore) {
			w.Must(t, operator, RegisterStoreKind.Encode(good))
			o.Method = LIFO
		}},
		{ErrStoreKind, func(_ *optest.World, _ *tx.AccountID, o *RegisterStore) { o.Device = panels }},
		{ErrStoreDevice, func(_ *optest.World, _ *tx.AccountID, o *RegisterStore) { o.Device = 99 }},
		{grid.ErrSettled, func(_ *optest.World, _ *tx.AccountID, o *RegisterStore) { o.From = -hour }},
		{grid.ErrNotOperator, func(_ *optest.World, signer *tx.AccountID, _ *RegisterStore) { *signer = ann }},
		{ErrStoreMethod, func(_ *optest.World, _ *tx.AccountID, o *RegisterStore) { o.Method = 4 }},
		{ErrStoreEfficiency, func(_ *optest.World, _ *tx.AccountID, o *RegisterStore) { o.EfficiencyPPM = million + 1 }},
		{ErrStoreEfficiency, func(_ *optest.World, _ *tx.AccountID, o *RegisterStore) { o.EfficiencyPPM = 0 }},
	})
}
