package metering

import (
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/tx"
)

// disputable is a world with settled hours, of which the first is final.
func disputable(t *testing.T) world {
	w := founded(t)
	for range 30 {
		w.close(t)
	}
	return w
}

func TestDisputePrecedence(t *testing.T) {
	good := Dispute{town, meter1, at(20), at(29)}
	optest.Precedence(t, disputable(t).World, ann, DisputeKind, good, []optest.Broken[Dispute]{
		{ErrDisputeFinal, func(_ *optest.World, _ *tx.AccountID, o *Dispute) { o.From = at(4) }},
		{ErrDisputeOpen, func(_ *optest.World, _ *tx.AccountID, o *Dispute) { o.To = at(30) }},
		{ErrDisputeAlign, func(_ *optest.World, _ *tx.AccountID, o *Dispute) { o.From++ }},
		{ErrDisputeSigner, func(_ *optest.World, signer *tx.AccountID, _ *Dispute) { *signer = gateway }},
		{ErrDisputeDevice, func(_ *optest.World, _ *tx.AccountID, o *Dispute) { o.Device = 99 }},
		{ErrDisputeGrid, func(_ *optest.World, _ *tx.AccountID, o *Dispute) { o.Microgrid++ }},
		{ErrDisputeSpan, func(_ *optest.World, _ *tx.AccountID, o *Dispute) { o.To = o.From - 1 }},
	})
}

// TestDispute tells the account and the operator, and changes nothing.
func TestDispute(t *testing.T) {
	w := disputable(t)
	receipts := w.Must(t, ann, DisputeKind.Encode(Dispute{town, meter1, at(20), at(21)}))
	var told []tx.AccountID
	for _, r := range receipts {
		told = append(told, r.Audience)
	}
	if odd := exceptions(receipts); !slices.Equal(told, []tx.AccountID{ann, operator, operator}) || !slices.Equal(odd, []string{"41: 14 from 20 to 21, 0/0"}) {
		t.Errorf("told %v, %v", told, odd)
	}
	if IsRevised(w, town, at(20)) {
		t.Error("a dispute revises")
	}
}

// TestNobodyDisputesAFeeder has no account behind it.
func TestNobodyDisputesAFeeder(t *testing.T) {
	w := founded(t)
	w.Must(t, operator, grid.SetFeederKind.Encode(grid.SetFeeder{Microgrid: town, Zone: 20, Device: 51, From: start}))
	w.close(t)
	if _, err := w.Try(operator, DisputeKind.Encode(Dispute{town, 51, at(0), at(0)})); err != ErrDisputeSigner { //nolint:errorlint // This very refusal.
		t.Error(err)
	}
}
