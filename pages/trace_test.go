package pages_test

import (
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/sim"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// greenTown is the example community with certificates.
func greenTown(t *testing.T, from, to string) *town {
	t.Helper()
	text, err := os.ReadFile("../examples/riverside.toml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "green.toml")
	green := strings.Replace(string(text), "[community]\n", "[community]\ncertificates = true\n", 1)
	if err := os.WriteFile(file, []byte(green), 0o600); err != nil {
		t.Fatal(err)
	}
	return newTownOf(t, file, from, to)
}

// trace asks for a member's trace as the member, which must be there.
func (w *town) trace(t *testing.T, member, at string) pages.Trace {
	t.Helper()
	tr, err := w.TraceAt(t.Context(), w.who(member), w.community.Account(member), at)
	if err != nil {
		t.Fatalf("%s at %s: %v", member, at, err)
	}
	return tr
}

// Every step of every member's trace says what the other pages say, to the unit, and
// names receipts that are there.
func TestTraceAgrees(t *testing.T) {
	w := greenTown(t, "2026-06-20 06:00", "2026-06-20 13:00")
	origins := map[bool]int64{}
	for _, m := range w.community.Members {
		for at := w.on("2026-06-20 06:00"); at < w.on("2026-06-20 13:00"); at += 4 * interval.Time(w.community.Length) {
			account := w.community.Account(m.Name)
			tr, err := w.Trace(t.Context(), w.who(m.Name), account, at+7)
			if err != nil {
				t.Fatal(err)
			}
			r, err := w.Replay(t.Context(), w.who(m.Name), w.community.Microgrid(), at, account)
			if err != nil {
				t.Fatal(err)
			}
			same(t, m.Name, "lines", tr.Paid.Lines, r.Own.Lines)
			same(t, m.Name, "balance", tr.Paid.Balance, r.Own.Balance)
			same(t, m.Name, "alone", tr.Paid.Alone, r.Own.Alone)
			same(t, m.Name, "deals", tr.Matched.Deals, r.Own.Deals)
			if tr.Paid.Posted != tr.Paid.Balance.Units || len(tr.Before) != 0 || tr.Start != at {
				t.Errorf("%s at %d: posted %d of %+v", m.Name, at, tr.Paid.Posted, tr.Paid.Balance)
			}
			checkTrace(t, w, m.Name, tr, r)
			for _, o := range tr.Certified.Origins {
				origins[o.Own] += o.Energy
			}
			text, err := json.Marshal(tr)
			if err != nil {
				t.Fatal(err)
			}
			w.noSecrets(t, m.Name, strings.ReplaceAll(string(text), `"name":"`+m.Name, ""))
		}
	}
	if origins[true] == 0 || origins[false] == 0 {
		t.Errorf("certificates of own and of neighbours' devices: %v", origins)
	}
}

// checkTrace checks that the parts of a trace sum to what the meters counted.
func checkTrace(t *testing.T, w *town, member string, tr pages.Trace, r pages.Replay) {
	t.Helper()
	var in, out, within, claimed int64
	for _, way := range tr.Delivered.Ways {
		switch {
		case way.Within:
			within += way.Energy
		case way.Bought:
			in += way.Energy
		default:
			out += way.Energy
		}
		if lines := len(way.Lines); way.Utility && lines == 0 || way.From == way.To && lines > 0 {
			t.Errorf("%s: the way from %s to %s crosses %d lines", member, way.From, way.To, lines)
		}
	}
	if in != r.Own.Import || out != r.Own.Export || within != tr.Sources[0].Energy.Wh+tr.Sources[1].Energy.Wh {
		t.Errorf("%s: %d came, %d went, %d stayed; the replay says %d and %d, the sources %+v", member, in, out, within, r.Own.Import, r.Own.Export, tr.Sources)
	}
	for _, o := range tr.Matched.Orders {
		var filled int64
		for _, d := range tr.Matched.Deals {
			if !d.Utility && d.Bought == (o.Side == "buy") {
				filled += d.Energy
			}
		}
		if filled != o.Filled {
			t.Errorf("%s: the order %+v, the deals fill %d", member, o, filled)
		}
	}
	for _, d := range tr.Made {
		if d.How != pages.ByGateway || len(d.Receipts) != 1 || !d.Receipts[0].Sealed || d.Quality != "A" {
			t.Errorf("%s: %+v", member, d)
		}
	}
	for _, l := range tr.Certified.Lots {
		if l.Claimed+l.Neighbours+l.Kept != l.Issued || l.Held != l.Kept {
			t.Errorf("%s: the lot %+v", member, l)
		}
	}
	for _, o := range tr.Certified.Origins {
		if o.Claimed {
			claimed += o.Energy
		}
	}
	if claimed != tr.Certified.Claimed || !tr.Certified.Issues {
		t.Errorf("%s: %d claimed, %+v", member, claimed, tr.Certified)
	}
	for _, list := range [][]pages.ReceiptRef{tr.Paid.Receipts, tr.Matched.Receipts, tr.Delivered.Receipts, tr.Certified.Receipts} {
		for _, ref := range list {
			row, err := w.Receipt(t.Context(), w.who(member), ref.Height, ref.Position, ref.N)
			if err != nil || row.Name != ref.Name || row.Leaf != ref.Leaf || row.Sealed != ref.Sealed || row.Sealed {
				t.Errorf("%s: %+v is %+v, %v", member, ref, row, err)
			}
		}
	}
	if len(tr.Paid.Receipts) != 1 || len(tr.Matched.Receipts) != 2 || len(tr.Delivered.Receipts) != 1 {
		t.Errorf("%s: %d, %d and %d receipts", member, len(tr.Paid.Receipts), len(tr.Matched.Receipts), len(tr.Delivered.Receipts))
	}
}

func same(t *testing.T, member, what string, got, want any) {
	t.Helper()
	is, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	was, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(is) != string(was) {
		t.Errorf("%s: %s are %s, elsewhere %s", member, what, is, was)
	}
}

// A correction is told as it stands now, and with what it was before.
func TestTraceCorrected(t *testing.T) {
	w := greenTown(t, "2026-06-20 06:00", "2026-06-20 13:00")
	const at = "2026-06-20T09:00"
	was := w.trace(t, "bela", at)
	w.book(t, []gateway.Reading{{Meter: "bela", Start: w.on("2026-06-20 09:00"), Length: w.community.Length, Import: 777, Quality: gateway.Actual}})
	is := w.trace(t, "bela", at)
	if is.Revision != 2 || len(is.Before) != 1 || is.Block <= was.Block {
		t.Fatalf("revision %d, before it %+v", is.Revision, is.Before)
	}
	if b := is.Before[0]; b.Revision != 1 || b.Balance != was.Paid.Balance || b.Import != was.Made[0].Import || b.Receipts[0] != was.Paid.Receipts[0] {
		t.Errorf("before is %+v, and was %+v", b, was.Paid)
	}
	if is.Made[0].Import != 777 || is.Paid.Posted != is.Paid.Balance.Units-was.Paid.Balance.Units {
		t.Errorf("posted %d for %+v after %+v", is.Paid.Posted, is.Paid.Balance, was.Paid.Balance)
	}
	if ref := is.Made[0].Receipts[0]; ref.Height <= was.Made[0].Receipts[0].Height {
		t.Errorf("the reading that counts is %+v", ref)
	}
	if neighbour := w.trace(t, "anna", at); neighbour.Revision > 1 && len(neighbour.Certified.Lots) != 1 {
		t.Errorf("anna's lots: %+v", neighbour.Certified.Lots)
	}
}

// A meter that said nothing is traced to the estimate, and why.
func TestTraceEstimate(t *testing.T) {
	w := silentTown(t, "../examples/riverside.toml", "2026-06-20 06:00", "2026-06-20 13:00")
	all := sim.Homes(7, w.community, sim.Options{From: w.on("2026-06-20 06:00"), To: w.on("2026-06-20 13:00"), Latitude: 50.6, Longitude: 7.2})
	var most []gateway.Reading
	for _, r := range all {
		if r.Meter != "bela" || r.Start < w.on("2026-06-20 07:00") || r.Start >= w.on("2026-06-20 07:30") {
			most = append(most, r)
		}
	}
	w.book(t, most)
	if err := w.operator.Lapse(t.Context(), w.community.Microgrid(), w.on("2026-06-20 13:00")); err != nil {
		t.Fatal(err)
	}
	w.settle(t, w.on("2026-06-20 13:00"))
	tr := w.trace(t, "bela", "2026-06-20T07:15")
	d := tr.Made[0]
	if !tr.Estimated || !d.Estimated || d.How != pages.ByEstimate || d.Way == "" || len(d.Receipts) != 1 || d.Receipts[0].Name != "metering.exception" {
		t.Errorf("%+v", d)
	}
}

// A meter that signs is traced to its message: its sequence, its registers, its receipt.
func TestTraceSigned(t *testing.T) {
	for _, bridged := range []bool{false, true} {
		w := newTown(t, "2026-06-20 00:00", "2026-06-20 03:00")
		from, length := w.on("2026-06-20 03:00"), interval.Time(w.community.Length)
		d := grid.Device{Microgrid: w.community.Microgrid(), Device: w.community.DeviceID("bela")}
		key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
		chain := ""
		w.node.Read(func(_ state.Reader, head machine.Head) { chain = head.ChainID })
		m := device.Message{
			Version: 1, Microgrid: d.Microgrid, Device: d.Device, Epoch: 1, Sequence: 7, Start: from - length, Duration: uint32(length),
			Import: 5000, Quality: metering.Actual, Clock: device.Synchronised,
		}
		next := m
		next.Sequence, next.Start, next.Import = 8, from, 5321
		var messages [][]byte
		for _, m := range []device.Message{m, next} {
			raw, err := device.Sign(m, chain, key)
			if err != nil {
				t.Fatal(err)
			}
			messages = append(messages, raw)
		}
		err := w.operator.Submit(t.Context(), []tx.Operation{device.EnrolKeyKind.Encode(device.EnrolKey{
			Microgrid: d.Microgrid, Device: d.Device, Key: key.Public().(ed25519.PublicKey), Bridged: bridged,
		})})
		if err == nil {
			err = w.operator.Submit(t.Context(), []tx.Operation{device.DeliverKind.Encode(device.Deliver{Microgrid: d.Microgrid, Messages: messages})})
		}
		if err != nil {
			t.Fatal(err)
		}
		all := sim.Homes(7, w.community, sim.Options{From: from, To: from + length, Latitude: 50.6, Longitude: 7.2})
		w.book(t, slices.DeleteFunc(all, func(r gateway.Reading) bool { return r.Meter == "bela" }))
		tr := w.trace(t, "bela", "2026-06-20T03:00")
		want := pages.BySignature
		if bridged {
			want = pages.ByBridge
		}
		got := tr.Made[0]
		if got.How != want || got.Import != 321 || got.Sequence != 8 || got.Epoch != 1 || *got.Registers != (pages.TraceRegisters{Import: 5321}) {
			t.Errorf("%+v", got)
		}
		if len(got.Receipts) != 1 || got.Receipts[0].Name != "device.delivered" || got.Receipts[0].Sealed {
			t.Errorf("%+v", got.Receipts)
		}
	}
}

// Times of a day on which an hour comes twice, or not at all, can be named.
func TestTraceTimes(t *testing.T) {
	w := newTown(t, "2026-10-25 00:00", "2026-10-25 06:00")
	first, second := w.trace(t, "anna", "2026-10-25T02:15+02:00"), w.trace(t, "anna", "2026-10-25T01:15:00Z")
	if second.Start-first.Start != 3600 || first.Local != "2026-10-25T02:15+02:00" || second.Local != "2026-10-25T02:15+01:00" {
		t.Errorf("%s and %s", first.Local, second.Local)
	}
	if one := w.trace(t, "anna", "2026-10-25 03:15"); one.Local != "2026-10-25T03:15+01:00" {
		t.Errorf("%s", one.Local)
	}
	for text, want := range map[string]string{
		"2026-10-25T02:15": "write 2026-10-25T02:15+02:00 for the first one, 2026-10-25T02:15+01:00 for the second",
		"2026-03-29T02:15": "the clocks go forward over it",
		"noon":             "write it by the community's clock",
		"2026-10-26T02:15": "intervals of 15 minutes are settled when",
	} {
		_, err := w.TraceAt(t.Context(), w.who("anna"), w.community.Account("anna"), text)
		if !notFound(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := w.At(grid.MicrogridID(12), "2026-10-25T02:15"); err != nil {
		t.Errorf("in UTC no hour comes twice: %v", err)
	}
}
