package optest

import (
	"testing"

	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/proof"
)

// What a ledger proves is verified by whoever trusts an earlier block of it, and is of
// the blocks before.
func TestLedger(t *testing.T) {
	l := NewLedger(t, "test", 100, ledger.Ops)
	trust := l.Trust()
	show := func() proof.Verified {
		t.Helper()
		b, err := proof.Decode(l.Prove([]byte("ledger.asset/\x00\x00\x03\xd2"), []byte("none/")))
		if err != nil {
			t.Fatal(err)
		}
		v, err := b.Verify(trust, l.Ctx.Time)
		if err != nil {
			t.Fatal(err)
		}
		trust = v.Trust
		return v
	}
	l.Must(t, bank, ledger.DefineKind.Encode(euro))
	if v := show(); v.Height != 1 || v.Time != 100 || len(v.Rows) != 2 || v.Rows[0].Present {
		t.Errorf("before the block is committed: %+v", v.Rows)
	}
	l.Next(107)
	if _, ok := ledger.AssetAt(l, euro.Asset); !ok {
		t.Error("what was committed is not there")
	}
	if v := show(); v.Height != 2 || v.Time != 107 {
		t.Errorf("block %d of %d", v.Height, v.Time)
	}
}
