package faults

import (
	"crypto/ed25519"
	"slices"
	"strings"
)

// Kinds is a set of kinds of faults.
type Kinds uint16

// Kinds of faults.
const (
	Crashes Kinds = 1 << iota
	Partitions
	Loss
	Repeats
	Delays
	SlowDisks
	FullDisks
	Clocks
	Byzantine
	Storms // Partitions that change faster than rounds.
	Votes  // Validators are added and removed. No fault, but others meet it.
)

var kindNames = []string{"crashes", "partitions", "loss", "repeats", "delays", "slow-disks", "full-disks", "clocks", "byzantine", "storms", "votes"}

// AllKinds lists the kinds.
func AllKinds() (list []Kinds) {
	for n := range kindNames {
		list = append(list, 1<<n)
	}
	return list
}

// String lists the kinds by name.
func (k Kinds) String() string {
	var list []string
	for n, name := range kindNames {
		if k&(1<<n) != 0 {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ",")
}

// ParseKinds reads what String writes; names that are none are left out.
func ParseKinds(text string) (k Kinds) {
	for n, name := range kindNames {
		for word := range strings.SplitSeq(text, ",") {
			if strings.TrimSpace(word) == name {
				k |= 1 << n
			}
		}
	}
	return k
}

// How long a run is, and how long after the last fault it may take.
const (
	calmTime  = 3 * second // Before the first fault, for the town to be founded.
	faultTime = 40 * second
	faultMore = 80 * second
	healTime  = 30 * second // From the last fault to the end of the run.
	blockTime = 10 * second // Before its end, where all have to be by then.
	patience  = 150 * second
)

// makePlan draws what the seed brings: four validators or seven, one that may join,
// those that are Byzantine, and faults of about half of the kinds.
func (r *run) makePlan() {
	r.founders = []int{4, 7}[r.options.Seed%2]
	for n := range r.founders + 1 {
		secret := secretKey(validatorKeys + uint64(n))
		v := &validator{run: r, index: n, secret: secret.Seed(), disk: newDisk(r)}
		copy(v.key[:], secret.Public().(ed25519.PublicKey))
		r.nodes = append(r.nodes, v)
		r.net.cut = append(r.net.cut, make([]bool, r.founders+1))
	}
	r.town.found(r.founders)
	for n := range kindNames {
		if chance(r.plan, 500) {
			r.kinds |= 1 << n
		}
	}
	r.kinds = (r.kinds | r.options.With) &^ r.options.Without
	r.healed = moment(calmTime + faultTime + between(r.plan, 0, faultMore))
	r.end = r.healed + moment(healTime)
	for _, p := range plans {
		if r.kinds&p.kind != 0 {
			p.draw(r)
		}
	}
	r.at(r.healed, r.heal)
	r.at(r.end-moment(blockTime), func() { r.check.due = len(r.check.blocks) })
	r.at(r.end, r.finish)
}

// finish ends the run once nothing waits any more. Where some are locked on a block
// and a liar holds back what the others lack, it takes until one of them proposes again,
// in rounds that grow: that is all the patience there is.
func (r *run) finish() {
	if len(r.check.stuck()) > 0 && r.now < r.healed+moment(patience) {
		r.after(second, r.finish)
		return
	}
	r.ended = true
}

// plans draw the faults of each kind. Who lies is drawn before whose clock is wrong.
var plans = []struct {
	kind Kinds
	draw func(*run)
}{
	{Byzantine, planByzantine},
	{Clocks, planClocks},
	{Crashes, planCrashes},
	{Partitions, planPartitions},
	{Storms, planStorms},
	{Loss, planLoss},
	{Repeats, planRepeats},
	{Delays, planDelays},
	{SlowDisks, planSlowDisks},
	{FullDisks, planFullDisks},
}

// faultAt draws a time for a fault.
func (r *run) faultAt() moment {
	return between(r.plan, moment(calmTime), r.healed-moment(second))
}

// until plans the end of a fault, at healing at the latest.
func (r *run) until(begin moment, most span, end func()) {
	r.at(min(begin+moment(between(r.plan, most/20, most)), r.healed), end)
}

// anyNode draws a machine.
func (r *run) anyNode() *validator { return r.nodes[r.plan.IntN(len(r.nodes))] }

// planCrashes fails the power of machines: at once, or in the middle of one of the
// next writes; for long or for a moment; of one, or of all.
func planCrashes(r *run) {
	for range between(r.plan, 1, 12) {
		begin := r.faultAt()
		most := []span{second, 15 * second}[r.plan.IntN(2)]
		all := chance(r.plan, 150)
		for _, v := range r.nodes {
			if !all && !chance(r.plan, 1000/len(r.nodes)) {
				continue
			}
			fuse := between(r.plan, -1, 24)
			r.at(begin, func() { v.fail(fuse) })
			r.until(begin, most, v.start)
		}
	}
}

// fail makes a machine's power fail after so many writes, or at once.
func (v *validator) fail(fuse int) {
	switch {
	case !v.up:
	case fuse < 0:
		v.crash()
	default:
		v.event("fuse", int64(fuse))
		v.disk.fuse = fuse
	}
}

// planPartitions cuts ways: of some machines from the others, of one direction only,
// for long, or on and off.
func planPartitions(r *run) {
	for range between(r.plan, 1, 5) {
		begin := r.faultAt()
		cut := make([][]bool, len(r.nodes))
		side := r.plan.Uint64()
		oneWay := chance(r.plan, 400)
		if chance(r.plan, 400) {
			side = 1 << r.plan.IntN(len(r.nodes)) // One alone.
		}
		for a := range cut {
			cut[a] = make([]bool, len(r.nodes))
			for b := range cut {
				cut[a][b] = side>>a&1 != side>>b&1 && (!oneWay || side>>a&1 == 1)
			}
		}
		flaps := 1
		if chance(r.plan, 250) {
			flaps = between(r.plan, 2, 10)
		}
		for range flaps {
			r.at(begin, func() {
				r.trace.add("partition", -1, int64(side&0xff))
				r.counts.Partitions++
				r.net.cut = cut
			})
			end := begin + moment(between(r.plan, second, 30*second/span(flaps)))
			r.at(min(end, r.healed), r.net.mend)
			begin = end + moment(between(r.plan, 100*millisecond, 2*second))
			if begin >= r.healed {
				break
			}
		}
	}
}

// planStorms cuts ways at random, each for as long as a round or less: what some hear
// in time, others hear too late.
func planStorms(r *run) {
	for range between(r.plan, 1, 2) {
		begin, share := r.faultAt(), between(r.plan, 200, 700)
		end := min(begin+moment(between(r.plan, 5*second, 40*second)), r.healed)
		for ; begin < end; begin += moment(between(r.plan, 30*millisecond, 2500*millisecond)) {
			cut := make([][]bool, len(r.nodes))
			for a := range cut {
				cut[a] = make([]bool, len(r.nodes))
				for b := range cut {
					cut[a][b] = chance(r.plan, share)
				}
			}
			r.at(begin, func() {
				r.trace.add("storm", -1)
				r.net.cut = cut
			})
		}
		r.at(end, r.net.mend)
		r.counts.Partitions++
	}
}

// mend makes all ways whole.
func (n *network) mend() {
	n.run.trace.add("mend", -1)
	n.cut = make([][]bool, len(n.run.nodes))
	for a := range n.cut {
		n.cut[a] = make([]bool, len(n.run.nodes))
	}
}

func planLoss(r *run) {
	for range between(r.plan, 1, 3) {
		begin, share := r.faultAt(), between(r.plan, 10, 400)
		r.at(begin, func() { r.net.lost = share })
		r.until(begin, 40*second, func() { r.net.lost = 0 })
	}
}

func planRepeats(r *run) { r.net.repeated = between(r.plan, 10, 300) }

func planDelays(r *run) {
	r.net.jitter = between(r.plan, 10*millisecond, 300*millisecond)
	for range between(r.plan, 1, 3) {
		begin, share := r.faultAt(), between(r.plan, 10, 500)
		r.at(begin, func() { r.net.late = share })
		r.until(begin, 40*second, func() { r.net.late = 0 })
	}
}

func planSlowDisks(r *run) {
	for range between(r.plan, 1, 6) {
		begin, v, delay := r.faultAt(), r.anyNode(), between(r.plan, 20*millisecond, 2*second)
		r.at(begin, func() {
			v.event("slow-disk", int64(delay))
			r.counts.SlowDisk++
			v.disk.delay = delay
		})
		r.until(begin, 30*second, func() { v.disk.delay = millisecond })
	}
}

func planFullDisks(r *run) {
	for range between(r.plan, 1, 4) {
		begin, v := r.faultAt(), r.anyNode()
		r.at(begin, func() {
			v.event("full-disk")
			r.counts.FullDisk++
			v.disk.full = true
		})
		r.until(begin, 20*second, func() { v.disk.full = false })
	}
}

// hour is what a clock is wrong by that takes summer time for a change of the time.
const hour = 3600 * second

// planClocks sets clocks wrong by up to an hour, lets them jump or drift: of any
// machine, or of less than a third, with the liars. Then the time of blocks is right,
// and whoever lies about readings is to be refused.
func planClocks(r *run) {
	wrong := r.nodes
	if chance(r.plan, 600) {
		liars := slices.DeleteFunc(slices.Clone(r.nodes[:r.founders]), func(v *validator) bool { return v.bad == nil })
		wrong = append(liars, r.nodes[:(r.founders-1)/3-len(liars)]...)
		r.clients.works.fewWrong = true
	}
	for range between(r.plan, 1, 8) {
		if len(wrong) == 0 {
			return
		}
		begin, v := r.faultAt(), wrong[r.plan.IntN(len(wrong))]
		by := []span{hour, -hour, between(r.plan, -hour, hour), between(r.plan, -5*second, 5*second)}[r.plan.IntN(4)]
		drift := between(r.plan, int64(-50_000), 50_000)
		if chance(r.plan, 400) {
			begin = 0 // From the begin on.
		}
		r.at(begin, func() {
			v.event("clock", int64(by), drift)
			r.counts.Clocks++
			v.wrong, v.drift = by, drift
		})
		r.until(begin, 120*second, func() { v.wrong, v.drift = 0, 0 })
	}
}

// planByzantine makes less than a third of the validators liars.
func planByzantine(r *run) {
	for range between(r.plan, 1, (r.founders-1)/3) {
		if v := r.nodes[r.plan.IntN(r.founders)]; v.bad == nil {
			v.bad = newMischief(v, r.plan)
		}
	}
}

// heal ends every fault. Byzantine validators stay what they are.
func (r *run) heal() {
	r.trace.add("heal", -1)
	r.net.mend()
	r.net.lost, r.net.late, r.net.repeated = 0, 0, 0
	r.net.jitter = min(r.net.jitter, 50*millisecond)
	for _, v := range r.nodes {
		v.disk.delay, v.disk.full, v.disk.fuse, v.wrong, v.drift = millisecond, false, -1, 0, 0
		v.busy = min(v.busy, r.now)
		v.start()
	}
	r.clients.works.probe()
}
