package certificate

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
)

// part is some energy of ann's panels in the hour from 0 on.
func part(e quantity.Energy) []Part { return []Part{{Microgrid: town, Device: panels, Energy: e}} }

// lotOf is a town in which ann keeps a lot of so much of her panels, which is final.
func lotOf(t testing.TB, e quantity.Energy) *optest.World {
	t.Helper()
	w := newTown(t, 0)
	closed(w, hourOf(home{made: e, exported: e}, home{}, home{}))
	for range 3 {
		closed(w, hourOf(home{}, home{}, home{}))
	}
	return w
}

// cancel and transfer are what somebody does with some of ann's lot.
func (d does) cancel(account tx.AccountID, e quantity.Energy, want error) {
	d.t.Helper()
	_, err := d.w.Try(account, CancelKind.Encode(Cancel{Account: account, Parts: part(e), Purpose: Disclosure, Beneficiary: make([]byte, sha256.Size)}))
	d.expect(err, want)
}

func (d does) transfer(from, to tx.AccountID, e quantity.Energy, want error) {
	d.t.Helper()
	_, err := d.w.Try(from, TransferKind.Encode(Transfer{From: from, To: to, Parts: part(e)}))
	d.expect(err, want)
}

func (d does) withdraw(signer tx.AccountID, e quantity.Energy, want error) {
	d.t.Helper()
	_, err := d.w.Try(signer, WithdrawKind.Encode(Withdraw{Account: ann, Parts: part(e), Evidence: make([]byte, sha256.Size)}))
	d.expect(err, want)
}

// reserve sets 100 Wh of ann's aside for bob.
func (d does) reserve(want error) {
	d.t.Helper()
	_, err := d.w.Try(ann, ReserveKind.Encode(Reserve{Holder: ann, For: bob, Until: d.w.Ctx.Time + hour, Parts: part(100)}))
	d.expect(err, want)
}

// matchedAs expects how much of its use each consumer of a street has matched, and
// then of each producer. Of what a consumer has, each producer's part is as of all.
func matchedAs(t *testing.T, dwellings []dwelling, used, produced []quantity.Energy) {
	t.Helper()
	w := street(t, dwellings...)
	got := outcomeOf(w.Must(t, ann, MatchKind.Encode(first(ann))))
	for n, e := range used {
		if point := grid.PointID(101 + n); got.used[point] != e {
			t.Errorf("point %d is matched with %d, want %d", point, got.used[point], e)
		}
	}
	for n, e := range produced {
		if device := grid.DeviceID(201 + len(used) + n); got.produced[device] != e {
			t.Errorf("device %d is matched with %d, want %d", device, got.produced[device], e)
		}
	}
	audit(t, w)
}

// has expects what ann and bob have of the lot.
func (d does) has(anns, bobs quantity.Energy) {
	d.t.Helper()
	id := part(1)[0].lot()
	if a, b := Held(d.w, id, ann), Held(d.w, id, bob); a != anns || b != bobs {
		d.t.Errorf("ann has %d and bob %d, want %d and %d", a, b, anns, bobs)
	}
}

// does is a vector that is played.
type does struct {
	t *testing.T
	w *optest.World
}

func (d does) expect(got, want error) {
	d.t.Helper()
	if got != want && (want == nil || got == nil || got.Error() != want.Error()) { //nolint:errorlint // This very refusal.
		d.t.Errorf("got %v, want %v", got, want)
	}
	d.w.Keep()
}

// played are the vectors of peers that hold here, with the same outcome.
var played = map[string]func(does){
	"PO-01": func(d does) { d.has(1000, 0) },
	"PO-03": func(d does) {
		_, err := d.w.Try(operator, grid.FoundKind.Encode(grid.Found{
			Microgrid: 11, Root: 20, Currency: 978, Gateway: operator, Utility: 2, Network: 3, Levy: 4, Length: interval.Length(2 * hour),
		}))
		d.expect(err, grid.ErrFoundLength)
	},
	"PO-05": func(d does) {
		m, _ := grid.At(d.w, town)
		_, err := d.w.Try(bob, RegisterKind.Encode(Register{Microgrid: town, Device: turbine, From: m.Open}))
		d.expect(err, grid.ErrNotOperator)
	},
	"PO-11": func(d does) {
		_, err := d.w.Try(ann, TransferKind.Encode(Transfer{From: ann, To: bob, Parts: []Part{{Microgrid: town, Device: 99, Energy: 150}}}))
		d.expect(err, ErrTransferLot)
	},
	"PO-13": func(d does) {
		for range Lifetime / hour {
			closed(d.w, hourOf(home{}, home{}, home{}))
		}
		d.transfer(ann, bob, 150, ErrTransferShort)
	},
	"PO-15": func(d does) { d.transfer(ann, bob, 250, nil) },
	"PO-19": func(d does) { // Nothing is claimed of another hour.
		origins := closed(d.w, hourOf(home{}, home{}, home{imported: 500}))
		if len(origins[2]) > 0 {
			d.t.Errorf("cy claims %v", origins[2])
		}
	},
	"PO-21": func(d does) { d.transfer(ann, 2, 250, nil) }, // Whoever has an account, wherever.
	"PO-31": func(d does) { d.withdraw(operator, 1000, nil); d.withdraw(operator, 1000, ErrWithdrawShort) },
	"PO-35": func(d does) {
		origins := closed(d.w, hourOf(home{made: 400, exported: 400}, home{made: 700, exported: 700}, home{imported: 300}, green(0, 2, 100), green(1, 2, 200)))
		var matched quantity.Energy
		for _, o := range origins[2] {
			matched += o.Energy
		}
		at := interval.Time(4 * hour)
		solar, wind := Held(d.w, LotID{town, at, panels}, ann), Held(d.w, LotID{town, at, turbine}, bob)
		if matched != 300 || solar != 300 || wind != 500 {
			d.t.Errorf("matched %d, of the sun %d and of the wind %d are left", matched, solar, wind)
		}
	},
	"GC-02": func(d does) { d.transfer(ann, bob, 0, ErrTransferEnergy) },
	"GC-04": func(d does) {
		d.w.Must(d.t, bob, WhitelistKind.Encode(Whitelist{Account: bob}))
		d.transfer(ann, bob, 500, ErrTransferListed)
		d.w.Must(d.t, bob, WhitelistKind.Encode(Whitelist{Account: bob, From: []tx.AccountID{ann}}))
		d.transfer(ann, bob, 500, nil)
		d.has(500, 500)
	},
	"GC-08": func(d does) { // A share is one of a rule.
		_, err := d.w.Try(ann, SetRulesKind.Encode(SetRules{Account: ann, Rules: []Rule{{SharePPM: 1_500_000, To: bob}}}))
		d.expect(err, ErrRulesAmount)
	},
	"EW-05": func(d does) { d.reserve(nil); d.reserve(ErrReserveAgain) },
	"MR-02": func(d does) { // What is pending is set aside.
		d.reserve(nil)
		d.transfer(ann, cy, 901, ErrTransferShort)
		again := func(o tx.Operation, signer tx.AccountID, anns, bobs quantity.Energy) {
			d.w.Must(d.t, signer, o)
			d.has(anns, bobs)
		}
		again(ReleaseKind.Encode(Release{Holder: ann, For: bob, Parts: part(100)}), bob, 1000, 0)
		d.reserve(nil)
		again(TakeKind.Encode(Take{Holder: ann, For: bob, Parts: part(100)}), bob, 900, 100)
		d.reserve(nil)
		d.w.Ctx.Time += hour
		again(ReleaseKind.Encode(Release{Holder: ann, For: bob, Parts: part(100)}), ann, 900, 100)
	},
	// Whom a consumer lists first is near to it, and who has equal ranks is in one zone.
	"M-04": func(d does) {
		matchedAs(d.t, []dwelling{{used: 100}, {used: 100}, {used: 100}, {made: 75}, {made: 150}}, []quantity.Energy{75, 75, 75}, []quantity.Energy{75, 150})
	},
	"M-06": func(d does) {
		matchedAs(d.t, []dwelling{{zone: 21, used: 150}, {used: 100}, {zone: 21, made: 100}, {zone: 21, made: 100}}, []quantity.Energy{150, 50}, []quantity.Energy{100, 100})
	},
	"M-08": func(d does) {
		matchedAs(d.t, []dwelling{{used: 10}, {used: 10}, {made: 10}}, []quantity.Energy{5, 5}, []quantity.Energy{10})
	},
	"M-10": func(d does) {
		matchedAs(d.t, []dwelling{{zone: 21, used: 10}, {zone: 22, used: 10}, {zone: 21, made: 1}, {zone: 22, made: 1}}, []quantity.Energy{1, 1}, []quantity.Energy{1, 1})
	},
	"GC-06": func(d does) { d.cancel(ann, 1000, nil); d.transfer(ann, bob, 1000, ErrTransferShort) },
	"EW-01": func(d does) { d.transfer(ann, bob, 250, nil); d.has(750, 250) },
	"EW-03": func(d does) {
		d.withdraw(operator, 1000, nil)
		d.transfer(ann, bob, 1, ErrTransferShort)
		d.cancel(ann, 1, ErrCancelShort)
	},
	"RG-03": func(d does) { d.cancel(ann, 1500, ErrCancelShort) },
	"RG-05": func(d does) { d.cancel(ann, 1000, nil); d.has(0, 0) },
	"RG-07": func(d does) { d.withdraw(bob, 1, ErrWithdrawSigner) },
	"GR-02": func(d does) { // Two lots of the same energy are two.
		closed(d.w, hourOf(home{made: 1000, exported: 1000}, home{}, home{}))
		closed(d.w, hourOf(home{made: 1000, exported: 1000}, home{}, home{}))
		if Held(d.w, LotID{town, 4 * hour, panels}, ann) != 1000 || Held(d.w, LotID{town, 5 * hour, panels}, ann) != 1000 {
			d.t.Error("they are not")
		}
	},
}

// otherwise are the vectors in which we decided otherwise, and why.
var otherwise = map[string]string{
	"PO-07": "energy is not hidden from validators, so there is no proof of its range",
	"PO-09": "energy is not hidden from validators, so there is no proof of a sum",
	"PO-23": "energy is not hidden from validators, so there is no proof of equality",
	"PO-17": "production and use of a microgrid have one interval, so that none lies within another",
	"PO-25": "a close and a matching take from production and use in one step: there is no order to get wrong",
	"PO-27": "a close and a matching take from production and use in one step: there is no order to get wrong",
	"PO-29": "a claim of a final interval stays; before that, a correction makes all claims of the interval anew",
	"PO-33": "certificates expire, 365 days after their interval is final",
	"GC-10": "the kind of an operation is its number: there is no field to set it by",
	"GC-12": "a value above capacity is told to the operator, who corrects it; what stays is certified as it is settled",
	"GC-14": "a query may be as long as it likes; pages are bounded by rows",
	"M-02":  "use is matched in proportion to what it is, and not by equal parts",
	"RG-01": "a lot is issued by its interval's close, which is once",
	"MR-04": "any part of a lot can be used up: its hour stays with it",
}

// TestVectors plays what peers' own tests state, each in a town in which ann has a
// lot of 1000 Wh that is final.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(cmp.Or(os.Getenv("COMMONWATT_SHARED"), "../../shared"), "vectors/certificates.json"))
	if err != nil {
		t.Skip("the shared vectors are absent; COMMONWATT_SHARED says where they are")
	}
	var file struct{ Vectors []struct{ ID string } }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	for _, v := range file.Vectors {
		play, ours := played[v.ID], otherwise[v.ID]
		switch {
		case play != nil:
			t.Run(v.ID, func(t *testing.T) {
				w := lotOf(t, 1000)
				play(does{t, w})
				audit(t, w)
			})
		case ours == "":
			t.Errorf("%s: neither played nor decided otherwise", v.ID)
		}
	}
	if len(played)+len(otherwise) != len(file.Vectors) {
		t.Errorf("%d vectors, of which we know %d", len(file.Vectors), len(played)+len(otherwise))
	}
}
