package demo

import (
	"context"
	"time"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

// The dairy has no meter in the village. It has a share of what the plant on the
// Mühlbach makes and nobody uses, and says what it uses itself, hour by hour.
const (
	dairy       = "Molkerei"
	dairySource = "Muehlbach"
	dairyShare  = 400_000 // Millionths.

	dairyMilking, dairyDone = 5, 13 // Hours in which it works.
	dairyWorks, dairyRests  = 9_000, 2_500
)

// supplyDairy makes the plant pass a share of its certificates on, from the first day.
func (d *Demo) supplyDairy(ctx context.Context) error {
	return d.operator.Submit(ctx, []tx.Operation{certificate.SetRulesKind.Encode(certificate.SetRules{
		Account: d.Community.Account(dairySource), From: d.begin,
		Rules: []certificate.Rule{{SharePPM: dairyShare, To: d.Community.Account(dairy)}},
	})})
}

// Uses is what a buyer of the demo says that it used, up to now.
func (d *Demo) Uses(account tx.AccountID) (list []pages.Consumed) {
	if account != d.Community.Account(dairy) {
		return nil
	}
	for at, now := d.begin, interval.Time(d.Now().Unix()); at+hour <= now; at += hour {
		use := int64(dairyRests)
		if h := time.Unix(int64(at), 0).In(d.Community.TimeZone).Hour(); h >= dairyMilking && h < dairyDone {
			use = dairyWorks
		}
		list = append(list, pages.Consumed{Start: at, Energy: use})
	}
	return list
}
