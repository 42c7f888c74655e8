package faults

import (
	"crypto/sha256"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// works are what clients do: the town's life, drawn by the seed.
type works struct {
	c        *clients
	read     interval.Time // Start of the first interval that nobody read yet.
	hold     uint64
	opened   tx.AccountID
	proposal governance.ProposalID
	held     []reserved
	sequence [members]uint64
	register [members]quantity.Energy
	said     [][]byte // Messages of meters.
	// fewWrong says that less than a third of the clocks are ever wrong.
	fewWrong bool
}

func newWorks(c *clients) *works { return &works{c: c, opened: 1000} }

// start founds the town and begins its life.
func (c *clients) start() {
	w := c.works
	w.read = c.run.town.first()
	c.submit("found the town", operator, w.founding()...)
	c.run.after(second, func() {
		for n := firstSigning; n < members; n++ {
			c.submit("enrol a meter's key", member(n), w.enrolKey(n))
		}
	})
	c.run.after(calmTime, w.live)
}

// founding is the operations that make the town.
func (w *works) founding() []tx.Operation {
	first := w.c.run.town.first()
	list := []tx.Operation{
		ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: microgrid, Root: root, Currency: euro, Gateway: operator, Utility: utility, Network: wires, Levy: levy,
			Length: length, Start: first, Grace: grace, Correction: correction,
		}),
		market.SetRulesKind.Encode(market.SetRules{Microgrid: microgrid, Rules: market.DefaultRules}),
		tariff.SetKind.Encode(tariff.Set{Microgrid: microgrid, Steps: []tariff.Step{{From: first, Prices: tariff.Prices{Retail: 300, FeedIn: 80, Levy: 20}}}}),
		grid.AddZoneKind.Encode(grid.AddZone{Microgrid: microgrid, Zone: feeder, Parent: root}),
		grid.SetLineKind.Encode(grid.SetLine{Microgrid: microgrid, Zone: feeder, From: first, Line: grid.Line{
			Charge: 7, ExportLimit: 2000, ImportLimit: grid.NoLimit, LossPPM: 20_000,
		}}),
	}
	for n := range members {
		account, point, zone := member(n), grid.PointID(n+1), root+grid.ZoneID(n%2)
		list = append(list,
			grid.ConnectKind.Encode(grid.Connect{Microgrid: microgrid, Point: point, Zone: zone, Account: account, From: first}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: microgrid, Device: meter(n), Point: point, Kind: grid.Meter, From: first}),
			ledger.IssueKind.Encode(ledger.Issue{Asset: euro, To: account, Amount: 10_000_000, Deposit: make([]byte, 32)}))
		if n < solarHomes {
			list = append(list,
				grid.EnrolKind.Encode(grid.Enrol{Microgrid: microgrid, Device: panels(n), Point: point, Kind: grid.Solar, From: first}),
				certificate.RegisterKind.Encode(certificate.Register{Microgrid: microgrid, Device: panels(n), From: first}))
		}
	}
	return list
}

func (w *works) enrolKey(n int) tx.Operation {
	public := publicKey(meterKey(n)).Public
	return device.EnrolKeyKind.Encode(device.EnrolKey{Microgrid: microgrid, Device: meter(n), Key: public})
}

// live does the next thing, and plans the one after it.
func (w *works) live() {
	r := w.c.run
	if r.now >= r.healed {
		return
	}
	burst := 1
	if chance(r.work, 200) {
		burst = between(r.work, 2, 10)
	}
	for range burst {
		w.once()
	}
	r.after(between(r.work, 200*millisecond, 4*second), w.live)
}

// once does one thing.
func (w *works) once() {
	random := w.c.run.work
	from := anyMember(random)
	to := anyMember(random)
	switch random.IntN(12) {
	case 0, 1, 2:
		w.meters()
	case 3, 4:
		w.c.submit("transfer", from, w.transfer(to, quantity.Money(between(random, int64(1), 1000))))
	case 5:
		w.holds(from, to)
	case 6:
		w.accounts(from)
	case 7:
		w.wishes(from)
	case 8:
		w.late()
	case 9:
		w.certificates(from, to)
	case 10:
		w.tricks(from)
	case 11:
		w.council()
	}
}

// probe is sent once everything healed: it has to be answered.
func (w *works) probe() {
	for n := range members {
		w.c.submit("probe", member(n), w.transfer(operator, 1))
	}
}

func (w *works) transfer(to tx.AccountID, amount quantity.Money) tx.Operation {
	return ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: to, Amount: amount})
}

// value is what a device measured in an interval: the same whenever it is asked.
func value(d grid.DeviceID, start interval.Time) metering.Value {
	sum := sha256.Sum256([]byte{byte(d), byte(start / 300), byte(start / 76800)}) //nolint:gosec // any bytes
	v := metering.Value{Device: d, Quality: metering.Actual, Import: quantity.Energy(sum[0])}
	switch {
	case d >= solar:
		v.Import, v.Export = 0, 2*quantity.Energy(sum[1])
	case d <= solarHomes:
		v.Import, v.Export = quantity.Energy(sum[0])/4, 2*quantity.Energy(sum[1])
	}
	return v
}

// meters hands in the readings of the next interval that is over.
func (w *works) meters() {
	r := w.c.run
	if w.read+interval.Time(length) > r.town.clock() {
		return
	}
	start := w.read
	w.read += interval.Time(length)
	readings := metering.Readings{Start: start}
	for n := range firstSigning {
		if chance(r.work, 60) {
			continue // It comes late or never.
		}
		readings.Values = append(readings.Values, value(meter(n), start))
	}
	for n := range solarHomes {
		readings.Values = append(readings.Values, value(panels(n), start))
	}
	w.c.submit("readings", operator, metering.RecordKind.Encode(metering.Record{Microgrid: microgrid, Intervals: []metering.Readings{readings}}))
	w.c.submit("messages of meters", operator, w.messages(start))
}

// messages are what the meters that sign say about an interval.
func (w *works) messages(start interval.Time) tx.Operation {
	var list [][]byte
	for n := firstSigning; n < members; n++ {
		v := value(meter(n), start)
		w.sequence[n]++
		w.register[n] += v.Import
		raw, err := device.Sign(device.Message{
			Version: device.Version, Microgrid: microgrid, Device: meter(n), Epoch: 1, Sequence: w.sequence[n], Start: start,
			Duration: uint32(length), Import: w.register[n], Export: 0, Quality: metering.Actual, Clock: device.Synchronised,
		}, chainID, secretKey(meterKey(n)))
		if err != nil {
			panic(err)
		}
		list = append(list, raw)
	}
	w.said = append(w.said, list...)
	return device.DeliverKind.Encode(device.Deliver{Microgrid: microgrid, Messages: list})
}

// late hands in readings that were missing, or corrects some, or ends the waiting.
func (w *works) late() {
	random := w.c.run.work
	start := w.read - interval.Time(between(random, 1, 4))*interval.Time(length)
	if start < w.c.run.town.first() {
		return
	}
	if chance(random, 300) {
		w.c.submit("lapse", operator, metering.LapseKind.Encode(metering.Lapse{Microgrid: microgrid, Until: start + interval.Time(length)}))
		return
	}
	v := value(meter(random.IntN(firstSigning)), start)
	v.Import += quantity.Energy(random.IntN(3))
	w.c.submit("late reading", operator, metering.RecordKind.Encode(metering.Record{Microgrid: microgrid, Intervals: []metering.Readings{{Start: start, Values: []metering.Value{v}}}}))
}

// reserved is a hold that somebody may post.
type reserved struct {
	payer, to tx.AccountID
	number    uint64
	amount    quantity.Money
}

// holds reserves an amount, or posts or voids what was reserved.
func (w *works) holds(from, to tx.AccountID) {
	random := w.c.run.work
	if n := len(w.held); n > 0 && chance(random, 500) {
		h := w.held[n-1]
		w.held = w.held[:n-1]
		if chance(random, 700) {
			w.c.submit("post", h.to, ledger.PostKind.Encode(ledger.Post{Payer: h.payer, Number: h.number, Amount: h.amount}))
		} else {
			w.c.submit("void", h.to, ledger.VoidKind.Encode(ledger.Void{Payer: h.payer, Number: h.number}))
		}
		return
	}
	w.hold++
	h := reserved{from, to, w.hold, quantity.Money(between(random, int64(1), 5000))}
	w.held = append(w.held, h)
	w.c.submit("hold", from, ledger.HoldKind.Encode(ledger.Hold{
		Number: h.number, Asset: euro, To: to, Amount: h.amount, Deadline: w.c.run.town.clock() + 40*24*3600,
	}))
}

// accounts opens an account, or gives one a second key.
func (w *works) accounts(from tx.AccountID) {
	random := w.c.run.work
	if chance(random, 500) {
		w.opened++
		w.c.submit("open", from, party.OpenKind.Encode(party.Open{Account: w.opened, Keys: []party.Credential{{Key: publicKey(uint64(w.opened)), Role: party.Owner}}}))
		return
	}
	extra := party.Credential{Key: publicKey(otherKeys + random.Uint64N(3)), Role: party.Operate}
	w.c.submit("rotate", from, party.RotateKind.Encode(party.Rotate{Account: from, Add: []party.Credential{extra}}))
}

// wishes says what a home buys and sells, or what becomes of its certificates.
func (w *works) wishes(from tx.AccountID) {
	random := w.c.run.work
	point := grid.PointID(from - firstMember + 1)
	begin := w.read + interval.Time(length)
	if chance(random, 300) {
		w.c.submit("choose", from, certificate.ChooseKind.Encode(certificate.Choose{
			Microgrid: microgrid, Point: point, From: begin, Choice: certificate.Choice{Keep: chance(random, 500)},
		}))
		return
	}
	limit := quantity.Price(between(random, int64(100), 280))
	w.c.submit("wish", from, market.SetWishKind.Encode(market.SetWish{
		Microgrid: microgrid, Point: point, From: begin, Wish: market.Wish{Buy: &limit, Green: chance(random, 300), SellsGreen: chance(random, 500)},
	}))
}

// certificates passes on or cancels certificates of an early interval.
func (w *works) certificates(from, to tx.AccountID) {
	random := w.c.run.work
	start := w.c.run.town.first() + interval.Time(random.IntN(3))*interval.Time(length)
	part := certificate.Part{Microgrid: microgrid, Start: start, Device: panels(random.IntN(solarHomes)), Energy: quantity.Energy(between(random, int64(1), 20))}
	if chance(random, 700) {
		w.c.submit("pass certificates on", from, certificate.TransferKind.Encode(certificate.Transfer{From: from, To: to, Parts: []certificate.Part{part}}))
		return
	}
	w.c.submit("cancel certificates", from, certificate.CancelKind.Encode(certificate.Cancel{
		Account: from, Parts: []certificate.Part{part}, Purpose: certificate.Disclosure, Beneficiary: make([]byte, 32),
	}))
}
