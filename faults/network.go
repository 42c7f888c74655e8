package faults

// network carries messages between machines. What is on its way arrives, late, twice,
// in any order or not at all.
type network struct {
	run *run
	// cut says which ways are cut, from one machine to another; clients have none.
	cut [][]bool

	base, jitter span // Of the delay.
	lost         int  // Thousandths of messages.
	repeated     int
	late         int // Are delayed by up to lateMost.
	lateMost     span
}

func newNetwork(r *run) *network {
	return &network{run: r, base: 2 * millisecond, jitter: 10 * millisecond, lateMost: 2 * second}
}

// send sends a message from a machine to another. A machine that is down, or busy
// with its disk for the time being, hears it later or never.
func (n *network) send(from, to *validator, deliver func(*validator)) {
	if n.cut[from.index][to.index] {
		n.run.counts.Lost++
		return
	}
	n.carry(from.disk.spent, func() {
		if !n.cut[from.index][to.index] {
			to.do(to.life, func() { deliver(to) })
		}
	})
}

// carry lets something arrive after the delay that the network has now.
func (n *network) carry(after span, arrive func()) {
	random := n.run.wire
	if chance(random, n.lost) {
		n.run.counts.Lost++
		return
	}
	n.run.after(after+n.delay(), arrive)
	if chance(random, n.repeated) {
		n.run.counts.Repeated++
		n.run.after(after+n.delay(), arrive)
	}
}

func (n *network) delay() span {
	random := n.run.wire
	d := n.base + between(random, 0, n.jitter)
	if chance(random, n.late) {
		n.run.counts.Late++
		d += between(random, 0, n.lateMost)
	}
	return d
}
