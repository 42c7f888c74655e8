package node_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/admission"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

const (
	benchAccounts = 2000
	benchRound    = 60_000 // Transfers of one iteration.
)

// BenchmarkTransfers sends signed single transfers, one envelope each, through a
// whole node until all are committed, beside the raw verification of as many
// signatures in batches with the keys cached.
func BenchmarkTransfers(b *testing.B) {
	n, _ := start(b, benchAccounts)
	defer n.Close()
	fund(b, n, benchAccounts)
	nonce := uint64(1000)
	verifier := admission.NewVerifier(benchAccounts, 1)
	var raw, through time.Duration
	var count int
	for b.Loop() {
		b.StopTimer()
		envelopes := make([][]byte, 0, benchRound)
		for len(envelopes) < benchRound {
			nonce++
			for a := tx.AccountID(1); a <= benchAccounts; a++ {
				envelopes = append(envelopes, transfer(a, a%benchAccounts+1, nonce, 1))
			}
		}
		raw += verification(b, verifier, envelopes)
		b.StartTimer()
		began := time.Now()
		sendAll(b, n, envelopes)
		through += time.Since(began)
		count += len(envelopes)
	}
	report(b, "transfers", count, count, raw, through)
}

// Readings of the benchmark's microgrid.
const (
	benchMeters    = 10_000
	benchBatch     = 4000
	benchIntervals = 8 // Of one iteration.
)

// BenchmarkReadings sends batches of readings under one signature each through a
// whole node until their intervals are settled, beside the raw verification of
// as many signatures as there are readings.
func BenchmarkReadings(b *testing.B) {
	n, _ := start(b, 8)
	defer n.Close()
	fund(b, n, 8)
	at := interval.Minutes15.Containing(interval.Time(time.Now().Unix())).Start - 400*24*3600
	nonce := foundBench(b, n, at)
	verifier := admission.NewVerifier(benchAccounts, 1)
	single := make([][]byte, benchRound)
	for i := range single {
		single[i] = transfer(tx.AccountID(i%8+1), 1, uint64(i), 1)
	}
	var raw, through time.Duration
	var count, verified int
	for b.Loop() {
		b.StopTimer()
		var envelopes [][]byte
		for range benchIntervals {
			for first := 1; first <= benchMeters; first += benchBatch {
				nonce++
				envelopes = append(envelopes, readings(nonce, at, first, min(first+benchBatch, benchMeters+1)))
			}
			at += 900
			count += benchMeters
		}
		raw += verification(b, verifier, single)
		verified += len(single)
		b.StartTimer()
		began := time.Now()
		sendAll(b, n, envelopes)
		settledTo(b, n, at)
		through += time.Since(began)
	}
	report(b, "readings", count, verified, raw, through)
}

// foundBench founds a microgrid of many homes, each with a meter, an account of
// its own among eight, and some of them producing.
func foundBench(b *testing.B, n *node.Node, at interval.Time) (nonce uint64) {
	b.Helper()
	nonce = 100
	operations := []tx.Operation{
		party.OpenKind.Encode(party.Open{Account: 100}), party.OpenKind.Encode(party.Open{Account: 101}), party.OpenKind.Encode(party.Open{Account: 102}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: 1, Root: 1, Currency: euro, Gateway: 1, Utility: 100, Network: 101, Levy: 102,
			Length: interval.Minutes15, Start: at, Grace: 3600, Correction: 24 * 3600,
		}),
		tariff.SetKind.Encode(tariff.Set{Microgrid: 1, Steps: []tariff.Step{{From: at, Prices: tariff.Prices{Retail: 320, FeedIn: 80, Levy: 10}}}}),
	}
	for z := grid.ZoneID(2); z < 22; z++ {
		operations = append(operations, grid.AddZoneKind.Encode(grid.AddZone{Microgrid: 1, Zone: z, Parent: 1}))
	}
	for m := uint64(1); m <= benchMeters; m++ {
		operations = append(operations,
			grid.ConnectKind.Encode(grid.Connect{Microgrid: 1, Point: grid.PointID(m), Zone: grid.ZoneID(m%20 + 2), Account: tx.AccountID(m%8 + 1), From: at}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: 1, Device: grid.DeviceID(m), Point: grid.PointID(m), Kind: grid.Meter, From: at}))
	}
	for len(operations) > 0 {
		nonce++
		k := min(len(operations), 1000)
		accept(b, n, sign(1, nonce, operations[:k]...))
		operations = operations[k:]
	}
	return nonce
}

// readings makes an envelope of one interval's readings of meters [first, last).
func readings(nonce uint64, at interval.Time, first, last int) []byte {
	values := make([]metering.Value, 0, last-first)
	for m := first; m < last; m++ {
		v := metering.Value{Device: grid.DeviceID(m), Quality: metering.Actual}
		if (uint64(m)+nonce)%3 == 0 {
			v.Export = quantity.Energy(200 + m%300)
		} else {
			v.Import = quantity.Energy(100 + m%200)
		}
		values = append(values, v)
	}
	return sign(1, nonce, metering.RecordKind.Encode(metering.Record{Microgrid: 1, Intervals: []metering.Readings{{Start: at, Values: values}}}))
}

// verification is how long the raw verification of some envelopes takes, with
// their keys cached and no verdict remembered.
func verification(b *testing.B, v *admission.Verifier, envelopes [][]byte) time.Duration {
	b.Helper()
	decoded := make([]tx.Signed, len(envelopes))
	for i, raw := range envelopes {
		var err error
		if decoded[i], err = tx.Decode(raw); err != nil {
			b.Fatal(err)
		}
	}
	return rawVerification(b, v, decoded)
}

// sendAll sends envelopes and waits until all are applied.
func sendAll(b *testing.B, n *node.Node, envelopes [][]byte) {
	b.Helper()
	tickets := make([]*node.Ticket, len(envelopes))
	for i, raw := range envelopes {
		var err error
		if tickets[i], err = n.Send(context.Background(), raw); err != nil {
			b.Fatal(err)
		}
	}
	for _, ticket := range tickets {
		if o, err := ticket.Wait(context.Background()); err != nil || o.Code != 0 {
			b.Fatal(o.Code, o.At, err)
		}
	}
}

// settledTo waits until every interval before a moment is settled.
func settledTo(b *testing.B, n *node.Node, until interval.Time) {
	b.Helper()
	for {
		height := n.Height()
		var open interval.Time
		n.Read(func(rows state.Reader, _ machine.Head) {
			m, _ := grid.At(rows, 1)
			open = m.Open
		})
		if open >= until {
			return
		}
		if err := n.Wait(context.Background(), height+1); err != nil {
			b.Fatal(err)
		}
	}
}

// report gives the rates of one run and their ratio.
func report(b *testing.B, what string, count, verified int, raw, through time.Duration) {
	b.ReportMetric(float64(count)/through.Seconds(), what+"/s")
	b.ReportMetric(float64(verified)/raw.Seconds(), "verifications/s")
	b.ReportMetric(float64(count)/through.Seconds()/(float64(verified)/raw.Seconds()), "ratio")
	b.ReportMetric(float64(runtime.GOMAXPROCS(0)), "cores")
	b.ReportMetric(0, "ns/op")
}
