package fleet

import (
	"maps"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/device"
)

// State is how a fleet is.
type State struct {
	Devices    int            `json:"devices"`
	Connected  int            `json:"connected"`
	Published  int            `json:"published"` // Messages, however often each was sent.
	Repeated   int            `json:"repeated"`  // How often one was sent again.
	Told       int            `json:"receipts"`  // Messages that have their receipt.
	Waiting    int            `json:"waiting"`   // Messages that have none.
	Refused    map[uint32]int `json:"refused"`   // Of those that have one, by code.
	Forged     int            `json:"forged"`    // Receipts that were not the node's.
	Reconnects int            `json:"reconnects"`
	P50        time.Duration  `json:"p50_ns"` // From a message's first sending to its receipt, over the last 16,384.
	P99        time.Duration  `json:"p99_ns"`
	Outages    []Outage       `json:"outages"` // The last hundred.
}

// Outage is a time during which not all devices were connected that had been.
type Outage struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"` // Zero: it goes on.
}

const outagesMost = 100

// State says how the fleet is.
func (f *Fleet) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.state
	s.Refused, s.Outages = maps.Clone(s.Refused), slices.Clone(s.Outages)
	s.Waiting = s.Published - s.Told
	s.P50, s.P99 = f.late.percentiles()
	return s
}

// came counts a device that is connected.
func (f *Fleet) came(again bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Connected++
	if again {
		f.state.Reconnects++
	}
	if f.state.Connected < len(f.units) {
		return
	}
	if n := len(f.state.Outages); n > 0 {
		f.state.Outages[n-1].To = time.Now()
	}
	select {
	case <-f.full:
	default:
		close(f.full)
	}
}

// went counts a device that is connected no longer, because it was told to end or not.
func (f *Fleet) went(told bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state.Connected == len(f.units) && !told {
		f.state.Outages = append(f.state.Outages, Outage{From: time.Now()})
		f.state.Outages = f.state.Outages[max(0, len(f.state.Outages)-outagesMost):]
	}
	f.state.Connected--
}

// sent counts a message that is sent, for the first time or again.
func (f *Fleet) sent(times int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if times > 1 {
		f.state.Repeated++
	}
}

// read counts a message that is to be sent.
func (f *Fleet) read() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Published++
}

// told counts a message that has its receipt.
func (f *Fleet) told(l Life) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Told++
	if l.Status == device.Refused {
		f.state.Refused[l.Code]++
	}
	f.late.add(l.Told.Sub(l.Sent))
	if f.Told != nil {
		f.Told(l)
	}
}

// forged counts a receipt that the node did not sign.
func (f *Fleet) forged() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state.Forged++
}

// ring keeps the last times.
type ring struct {
	times []time.Duration
	next  int
}

const ringSize = 1 << 14

func (r *ring) add(d time.Duration) {
	if len(r.times) < ringSize {
		r.times = append(r.times, d)
		return
	}
	r.times[r.next] = d
	r.next = (r.next + 1) % ringSize
}

// percentiles returns the 50th and the 99th; 0 where there are none.
func (r *ring) percentiles() (p50, p99 time.Duration) {
	if len(r.times) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(r.times))
	return sorted[len(sorted)*50/100], sorted[len(sorted)*99/100]
}
