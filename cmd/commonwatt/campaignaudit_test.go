package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/fleet"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/settlement"
)

// sentMessage is a message as the file of simulate has it.
type sentMessage struct {
	meter           string
	sequence        uint64
	imported, given int64 // The registers.
	times           int
	sent, told      time.Time
	status          string
}

// readSent reads the file of messages.
func readSent(t *testing.T, path string) (list []sentMessage) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows[1:] {
		n := func(i int) int64 {
			v, err := strconv.ParseInt(row[i], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		list = append(list, sentMessage{
			meter: row[0], sequence: uint64(n(1)), imported: n(3), given: n(4), times: int(n(5)),
			sent: time.UnixMilli(n(6)), told: time.UnixMilli(n(7)), status: row[8],
		})
	}
	return list
}

// books are what a ledger says of devices.
type books struct {
	community  *community.Community
	accepted   map[string]int // By sequence and device, how often a message was accepted.
	answered   int            // In all, those that were known included.
	settled    map[interval.Time]bool
	statements int
	energy     map[grid.DeviceID][2]int64 // Settled, of each device: taken and given.
}

// audit reads a ledger, block by block. Of an interval that was corrected, the last
// revision counts.
func audit(t *testing.T, dir string) *books {
	t.Helper()
	c, err := community.Load(filepath.Join(dir, community.File))
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(node.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	b := &books{community: c, accepted: map[string]int{}, settled: map[interval.Time]bool{}, energy: map[grid.DeviceID][2]int64{}}
	last := map[statementKey]settlement.Statement{}
	for height := int64(1); height <= n.Height(); height++ {
		r, err := n.Record(height)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range r.Outcomes {
			for _, f := range o.Receipts {
				switch f.Kind {
				case device.DeliveredReceipt.Kind:
					b.delivered(device.DeliveredReceipt.Read(f.Receipt()))
				case settlement.StatementReceipt.Kind:
					s := settlement.StatementReceipt.Read(f.Receipt())
					if k := (statementKey{s.Point, s.Start}); s.Revision >= last[k].Revision {
						last[k] = s
					}
				}
			}
		}
	}
	meters := map[grid.PointID]grid.DeviceID{}
	for _, m := range c.Members {
		meters[c.PointID(m.Name)] = c.DeviceID(m.Meter)
	}
	for _, s := range last {
		b.statements++
		b.settled[s.Start] = true
		b.add(meters[s.Point], int64(s.Import), int64(s.Export))
		for _, d := range s.Devices {
			if d.Device == meters[s.Point] {
				continue
			}
			b.add(d.Device, int64(d.Import), int64(d.Export))
		}
	}
	return b
}

// statementKey is what a statement is of, in any revision.
type statementKey struct {
	point grid.PointID
	start interval.Time
}

// delivered counts the answers to messages.
func (b *books) delivered(d device.Delivered) {
	for _, a := range d.Answers {
		b.answered++
		if a.Status == device.Accepted {
			b.accepted[fmt.Sprintf("%d of %d", a.Sequence, a.Device)]++
		}
	}
}

func (b *books) add(d grid.DeviceID, imported, given int64) {
	e := b.energy[d]
	b.energy[d] = [2]int64{e[0] + imported, e[1] + given}
}

// holds compares the ledger with what was sent.
func (b *books) holds(t *testing.T, sent []sentMessage, messages int) {
	t.Helper()
	first, last := map[string]sentMessage{}, map[string]sentMessage{}
	lost, twice, other := 0, 0, 0
	for _, m := range sent {
		switch b.accepted[fmt.Sprintf("%d of %d", m.sequence, b.community.DeviceID(m.meter))] {
		case 0:
			lost++
		case 1:
		default:
			twice++
		}
		if m.status != "accepted" && m.status != "known" {
			other++
		}
		if m.sequence == 1 {
			first[m.meter] = m
		}
		if m.sequence == uint64(messages) {
			last[m.meter] = m
		}
	}
	if lost+twice+other > 0 || len(b.accepted) != len(sent) {
		t.Errorf("of %d messages %d are lost, %d booked twice, and %d told of something else; the ledger has %d", len(sent), lost, twice, other, len(b.accepted))
	}
	if len(b.settled) != messages {
		t.Errorf("%d intervals are settled, not %d", len(b.settled), messages)
	}
	wrong := 0
	for _, meter := range b.community.Meters().All() {
		is, was := b.energy[b.community.DeviceID(meter)], [2]int64{last[meter].imported - first[meter].imported, last[meter].given - first[meter].given}
		if is != was {
			wrong++
			if wrong < 5 {
				t.Errorf("%s: settled %v, counted %v", meter, is, was)
			}
		}
	}
	if wrong > 0 {
		t.Errorf("of %d devices, what was settled is not what was counted", wrong)
	}
}

// figure is what a campaign found.
type figure struct {
	all, between  []time.Duration // From sending to receipt, sorted; between: of messages that no kill touched.
	p50, p99      time.Duration   // In between.
	recovery      map[string][]time.Duration
	repeated      int
	touched, took time.Duration // By kills, of the time that it took.
}

// figures measures. A kill touches the time from SIGKILL until the process is up again,
// all devices are connected again, and each message that was sent before has its receipt;
// a message is in between when its life, from sending to receipt, meets no such time.
func figures(sent []sentMessage, killed []outage, lost []fleet.Outage) (f figure) {
	f.recovery = map[string][]time.Duration{}
	var touched []fleet.Outage
	for _, k := range killed {
		end := k.back
		for _, o := range lost {
			if !o.From.Before(k.from.Add(-time.Second)) && o.From.Before(k.back) && o.To.After(end) {
				end = o.To
			}
		}
		drained := end
		for _, m := range sent {
			if m.sent.Before(end) && m.told.After(drained) {
				drained = m.told
			}
		}
		touched = append(touched, fleet.Outage{From: k.from, To: drained})
		f.recovery[k.what] = append(f.recovery[k.what], drained.Sub(k.from))
	}
	until := time.Time{} // Recoveries may overlap; they begin in the order of the kills.
	for _, o := range touched {
		if from := maxTime(o.From, until); o.To.After(from) {
			f.touched += o.To.Sub(from)
		}
		until = maxTime(until, o.To)
	}
	begin, end := sent[0].sent, sent[0].told
	for _, m := range sent {
		begin, end = minTime(begin, m.sent), maxTime(end, m.told)
		f.all = append(f.all, m.told.Sub(m.sent))
		f.repeated += m.times - 1
		if !slices.ContainsFunc(touched, func(o fleet.Outage) bool { return m.sent.Before(o.To) && o.From.Before(m.told) }) {
			f.between = append(f.between, m.told.Sub(m.sent))
		}
	}
	f.took = end.Sub(begin)
	slices.Sort(f.all)
	slices.Sort(f.between)
	f.p50, f.p99 = at(f.between, 50), at(f.between, 99)
	return f
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// at is a percentile of sorted times.
func at(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*percent/100]
}

// text prints a campaign's figures.
func (f *figure) text(c campaign, s fleet.State) string {
	text := fmt.Sprintf("%d devices, %d messages in %.0f s; gateway killed %d times, node %d times; %d sent again, %d reconnects\n"+
		"in between (%d messages; kills and recoveries touch %.0f s): p50 %.3f s, p99 %.3f s, most %.3f s\n"+
		"all messages: p50 %.3f s, p99 %.3f s, most %.3f s",
		c.devices, len(f.all), f.took.Seconds(), c.kills, c.kills, f.repeated, s.Reconnects,
		len(f.between), f.touched.Seconds(), f.p50.Seconds(), f.p99.Seconds(), at(f.between, 100).Seconds(),
		at(f.all, 50).Seconds(), at(f.all, 99).Seconds(), at(f.all, 100).Seconds())
	for _, what := range []string{"gateway", "node"} {
		slices.Sort(f.recovery[what])
		text += fmt.Sprintf("\nfrom SIGKILL of the %s until nothing is left of it: median %.1f s, most %.1f s", what, at(f.recovery[what], 50).Seconds(), at(f.recovery[what], 100).Seconds())
	}
	return text
}
