package merkle

// ground keeps the bunches of a shard, one after the other in pieces of memory, since
// in rooms of the sizes that Go gives they would leave a third of those empty. A bunch
// that outgrows its room gets one at the end. When an eighth of all is room that holds
// nothing, the bunches are moved together.
//
// A bunch may be read and changed in place until the next one is added or removed.
type ground struct {
	places slab[place]
	pieces [][]byte
	taken  int // Of all pieces, up to their ends.
	held   int // By bunches.
}

// place is where a bunch is.
type place struct {
	piece, from uint32
	size, room  uint32 // No size: there is none.
}

// pieceSize is the size of a piece; a bunch that is larger has one for itself.
const pieceSize = 32 << 10

// at is bunch i.
func (g *ground) at(i uint32) bunch {
	p := g.places.at(i)
	return g.pieces[p.piece][p.from : p.from+p.size : p.from+p.size]
}

// add keeps a copy of a bunch, and returns its number.
func (g *ground) add(b bunch) uint32 {
	i := g.places.take()
	p := g.places.at(i)
	if len(b) > int(p.room) {
		if g.taken+len(b) > g.held+g.held/8+pieceSize {
			g.compact()
		}
		g.settle(p, len(b))
	}
	p.size = uint32(len(b)) //nolint:gosec // a few leaves
	g.held += len(b)
	copy(g.at(i), b)
	return i
}

// settle gives a place room at the end.
func (g *ground) settle(p *place, size int) {
	last := len(g.pieces) - 1
	if last < 0 || len(g.pieces[last])+size > cap(g.pieces[last]) {
		g.pieces = append(g.pieces, make([]byte, 0, max(pieceSize, size)))
		last++
	}
	from := len(g.pieces[last])
	g.pieces[last] = g.pieces[last][:from+size]
	g.taken += size
	*p = place{piece: uint32(last), from: uint32(from), room: uint32(size)} //nolint:gosec // within a piece
}

// remove takes bunch i out; the next one that is added may have its room.
func (g *ground) remove(i uint32) {
	p := g.places.at(i)
	g.held -= int(p.size)
	p.size = 0
	g.places.release(i)
}

// compact moves all bunches together.
func (g *ground) compact() {
	was := *g
	g.pieces, g.taken = nil, 0
	for i := range g.places.next {
		p := g.places.at(i)
		old := *p
		*p = place{}
		if old.size > 0 {
			g.settle(p, int(old.size))
			p.size = old.size
			copy(g.at(i), was.pieces[old.piece][old.from:])
		}
	}
}
