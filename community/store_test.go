package community_test

import (
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/tariff"
)

// TestStores says what the ledger is told of a community's batteries, as its file
// changes.
func TestStores(t *testing.T) {
	const battery = "[[member]]\nname = \"ann\"\n[[member.device]]\nmeter = \"b\"\nkind = \"battery\"\n"
	file := func(general, device string) *community.Community {
		return parse(t, strings.Replace(least, "[tariff]", general+"\n[tariff]", 1)+battery+device)
	}
	w := optest.NewWorld(t, party.Ops, ledger.Ops, grid.Ops, tariff.Ops, market.Ops, certificate.Ops)
	w.Must(t, 1, party.OpenKind.Encode(party.Open{Account: 1}))
	for _, c := range []struct {
		file   *community.Community
		stores bool
		ppm    uint32
		method certificate.Method // None: it was never a store.
	}{
		{file("", ""), false, 0, 0},
		{file("certificates = true\nstorage_method = \"weighted\"", ""), true, 900_000, certificate.Weighted},
		{file("certificates = true\nstorage_method = \"lifo\"", "efficiency = 0.85"), true, 850_000, certificate.Weighted},
		{file("", ""), false, 900_000, certificate.Weighted},
	} {
		list, err := c.file.Operations(w, 1, community.Span{End: 86400})
		if err != nil {
			t.Fatal(err)
		}
		w.Must(t, 1, list...)
		k := grid.Device{Microgrid: c.file.Microgrid(), Device: c.file.DeviceID("b")}
		x, _ := certificate.StoreAt(w, k)
		if ppm, stores := certificate.Stores(w, k, 0); stores != c.stores || ppm != c.ppm || x.Method != c.method {
			t.Errorf("it stores: %v, at %d ppm, by method %d; want %+v", stores, ppm, x.Method, c)
		}
		if list, err = c.file.Operations(w, 1, community.Span{End: 86400}); err != nil || len(list) > 0 {
			t.Errorf("%d operations are left, %v", len(list), err)
		}
	}
}
