package node_test

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// square is the microgrid of each of two ledgers.
const square grid.MicrogridID = 7

// side is one of two ledgers, as a node runs it.
type side struct {
	t     *testing.T
	chain string
	node  *node.Node
	nonce uint64
	start interval.Time
}

// newSide founds a ledger with a microgrid and starts its node.
func newSide(t *testing.T, chain string) *side {
	t.Helper()
	dir := t.TempDir()
	if err := node.Init(dir, chain, genesisOf(5)); err != nil {
		t.Fatal(err)
	}
	s := &side{t: t, chain: chain, node: open(t, dir), start: interval.Time(time.Now().Unix()) / 3600 * 3600}
	t.Cleanup(func() {
		if err := s.node.Close(); err != nil {
			t.Error(err)
		}
	})
	s.must(ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}), grid.FoundKind.Encode(grid.Found{
		Microgrid: square, Root: 1, Currency: euro, Gateway: 1, Utility: 2, Network: 3, Levy: 4, Length: interval.Minutes60, Start: s.start,
	}))
	return s
}

// try has account 1 sign operations, and returns what became of them.
func (s *side) try(operations ...tx.Operation) machine.Outcome {
	s.t.Helper()
	s.nonce++
	body := tx.Body{Chain: s.chain, Account: 1, Nonce: s.nonce, Expiry: 1 << 40, Operations: operations}
	o, err := s.node.Submit(context.Background(), tx.SignEd25519(body.Encode(), keyOf(1)))
	if err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (s *side) must(operations ...tx.Operation) machine.Outcome {
	s.t.Helper()
	o := s.try(operations...)
	if o.Code != 0 {
		s.t.Fatalf("%s refuses operation %d with %d", s.chain, o.At, o.Code)
	}
	return o
}

// bundle proves rows of the newest state.
func (s *side) bundle(keys ...[]byte) []byte {
	s.t.Helper()
	b, err := s.node.Prove(context.Background(), nil, keys)
	if err != nil {
		s.t.Fatal(err)
	}
	return b.Encode()
}

// trusts makes a ledger trust another's first block.
func (s *side) trusts(other *side) {
	s.t.Helper()
	raw := other.bundle()
	b, err := proof.Decode(raw)
	if err != nil {
		s.t.Fatal(err)
	}
	anchor := b.Anchor()
	s.must(certificate.TrustKind.Encode(certificate.Trust{Microgrid: square, Registry: other.chain, Height: anchor.Height, Hash: anchor.Hash[:], Proof: raw}))
}

// lot is how a lot stands.
func (s *side) lot(id certificate.LotID) (l certificate.Lot) {
	s.node.Read(func(rows state.Reader, _ machine.Head) {
		l, _ = certificate.LotAt(rows, id)
		if err := machine.Audit(rows); err != nil {
			s.t.Error(err)
		}
	})
	return l
}

// now is the time of the last block.
func (s *side) now() (at interval.Time) {
	s.node.Read(func(_ state.Reader, head machine.Head) { at = head.Time })
	return at
}

// export locks energy for the other ledger until a moment.
func (s *side) export(part certificate.Part, other *side, deadline interval.Time) certificate.ExportID {
	s.t.Helper()
	o := s.must(certificate.ExportKind.Encode(certificate.Export{
		Account: 1, Parts: []certificate.Part{part}, Registry: other.chain, Microgrid: square, To: 1, Deadline: deadline,
	}))
	said := certificate.LockedReceipt.Read(o.Receipts[0].Receipt())
	return certificate.ExportID{Microgrid: said.Microgrid, Number: said.Number}
}

// Two chains exchange certificates with nothing between them but bundles: what arrives is
// gone where it came from, and what did not comes back once the other chain's time is past
// the deadline.
func TestTwoLedgers(t *testing.T) {
	east, west := newSide(t, "east"), newSide(t, "west")
	east.trusts(west)
	west.trusts(east)
	run := certificate.Run{Issuance: "A", Count: 3, Unit: 1000, Device: "M805", Kind: grid.Wind, Start: east.start, Length: 3600}
	o := east.must(certificate.AdmitKind.Encode(certificate.Admit{Microgrid: square, Account: 1, Registry: "m-rets", Runs: []certificate.Run{run}, Evidence: make([]byte, sha256.Size)}))
	id := certificate.LotID{Microgrid: square, Start: run.Start, Device: certificate.AdmittedReceipt.Read(o.Receipts[0].Receipt()).Devices[0]}
	part := certificate.Part{Microgrid: square, Start: id.Start, Device: id.Device, Energy: 1200}

	far := east.now() + 3600
	sent := east.export(part, west, far)
	bring := certificate.ImportKind.Encode(certificate.Import{
		Microgrid: square, Account: 1, Registry: "east", From: square, Number: sent.Number, Proof: east.bundle(certificate.LockKey(sent)),
	})
	came := west.must(bring)
	if again := west.try(bring); again.Code != certificate.ErrImportAgain.Code {
		t.Errorf("it arrives twice: %d", again.Code)
	}
	answer := func(of certificate.ExportID) tx.Operation {
		return certificate.SettleKind.Encode(certificate.Settle{Microgrid: square, Number: of.Number, Proof: west.bundle(certificate.ArrivalKey(square, "east", of))})
	}
	east.must(answer(sent))
	here := certificate.ImportedReceipt.Read(came.Receipts[0].Receipt())
	arrived := west.lot(certificate.LotID{Microgrid: square, Start: id.Start, Device: here.Parts[0].Device})
	if l := east.lot(id); l.Exported != 1200 || l.Held != 1800 || l.Locked != 0 || arrived.Held != 1200 || here.Sources[0].Registry != "m-rets" {
		t.Errorf("east has %+v, west has %+v of %+v", l, arrived, here.Sources)
	}

	part.Energy = 500
	soon := east.now() + 4
	lost := east.export(part, west, soon)
	if early := east.try(answer(lost)); early.Code != certificate.ErrSettleEarly.Code {
		t.Errorf("it comes back before its deadline: %d", early.Code)
	}
	for n := 0; west.now() <= soon; n++ { // West's time goes on with its blocks.
		west.must(certificate.AdmitKind.Encode(certificate.Admit{
			Microgrid: square, Account: 1, Registry: "m-rets", Evidence: make([]byte, sha256.Size),
			Runs: []certificate.Run{{Issuance: "B", First: uint64(n), Count: 1, Unit: 1, Device: "M806", Kind: grid.Wind, Start: east.start, Length: 3600}},
		}))
	}
	late := west.try(certificate.ImportKind.Encode(certificate.Import{
		Microgrid: square, Account: 1, Registry: "east", From: square, Number: lost.Number, Proof: east.bundle(certificate.LockKey(lost)),
	}))
	if late.Code != certificate.ErrImportLate.Code {
		t.Errorf("it arrives after its deadline: %d", late.Code)
	}
	east.must(answer(lost))
	if l := east.lot(id); l.Exported != 1200 || l.Held != 1800 || l.Locked != 0 {
		t.Errorf("what did not arrive is not back: %+v", l)
	}
	var locked quantity.Energy
	east.node.Read(func(rows state.Reader, _ machine.Head) {
		for _, l := range certificate.Lots(rows) {
			locked += l.Locked
		}
	})
	if locked != 0 {
		t.Errorf("%d Wh are locked", locked)
	}
}
