package faults

import (
	"errors"
)

// sectorBytes is what a disk writes as a whole, or tears.
const sectorBytes = 512

// disk is a validator's disk: files that grow at their end. What was synced is
// there after the power failed; of the rest, any sector may be there, lost or torn,
// whatever the order in which they were written.
type disk struct {
	run   *run
	files []*file // In the order of their making, so that a seed meets them in one order.

	fuse  int  // How many more writes and syncs there are until the power fails; below 0: no end.
	full  bool // Writes fail.
	delay span // What a sync takes.
	spent span // What this event's syncs took so far.
}

// file is one file.
type file struct {
	name   string
	data   []byte
	synced int // Of data, how much is there after the power failed.
}

// powerFailure is the panic by which a process ends in the middle of a write.
type powerFailure struct{}

// errFull is what a full disk answers, as ENOSPC.
var errFull = errors.New("faults: no space left on the disk")

func newDisk(r *run) *disk { return &disk{run: r, fuse: -1, delay: millisecond} }

// open returns a file, which it makes when there is none.
func (d *disk) open(name string) *file {
	for _, f := range d.files {
		if f.name == name {
			return f
		}
	}
	f := &file{name: name}
	d.files = append(d.files, f)
	return f
}

// step burns the fuse. At its end, a write gets as far as some byte.
func (d *disk) step(f *file, raw []byte) {
	if d.fuse < 0 {
		return
	}
	if d.fuse--; d.fuse < 0 {
		f.data = append(f.data, raw[:d.run.disks.IntN(len(raw)+1)]...)
		panic(powerFailure{})
	}
}

// write appends to a file.
func (d *disk) write(f *file, raw []byte) error {
	if d.full {
		return errFull
	}
	d.step(f, raw)
	f.data = append(f.data, raw...)
	return nil
}

// sync makes what a file holds outlast a failure of the power.
func (d *disk) sync(f *file) {
	d.step(f, nil)
	f.synced = len(f.data)
	d.spent += d.delay
}

// cut shortens a file, for good: as a rename of a new file over it would.
func (d *disk) cut(f *file, size int) {
	d.step(f, nil)
	f.data = f.data[:size]
	f.synced = size
}

// crash leaves what is there after the power failed: of the sectors that were not
// synced, each is as written, lost or torn; or all or none of them are there.
func (d *disk) crash() {
	random := d.run.disks
	keep := []int{0, 1000, between(random, 1, 999)}[random.IntN(3)] // Thousandths.
	for _, f := range d.files {
		size := f.synced
		for at := f.synced; at < len(f.data); {
			end := min(at-at%sectorBytes+sectorBytes, len(f.data))
			switch {
			case chance(random, keep):
				size = end
			case keep > 0 && chance(random, 300):
				torn := at + random.IntN(end-at)
				clear(f.data[torn:end])
				size = end
				d.run.counts.Torn++
			default:
				clear(f.data[at:end])
				d.run.counts.Torn++
			}
			at = end
		}
		f.data = append([]byte(nil), f.data[:size]...)
		f.synced = size
	}
	d.fuse, d.spent = -1, 0
}
