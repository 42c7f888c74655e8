package merkle

// chunkSize is how many records a slab adds when it is full: small, since an
// empty trie has dozens of slabs, and large against a slice header.
const chunkSize = 256

// slab keeps records of one kind without a pointer between them, so that the
// garbage collector has nothing to follow in a tree of millions. Records are
// named by number, stay where they are, and a freed one is the next to be used;
// memory goes back only with the slab.
type slab[T any] struct {
	chunks []*[chunkSize]T
	free   []uint32
	next   uint32
}

// at is record i, which stays valid until it is freed.
func (s *slab[T]) at(i uint32) *T {
	return &s.chunks[i/chunkSize][i%chunkSize]
}

// take returns the number of an unused record; its contents are those of the
// record that was there.
func (s *slab[T]) take() uint32 {
	if last := len(s.free) - 1; last >= 0 {
		i := s.free[last]
		s.free = s.free[:last]
		return i
	}
	if s.next%chunkSize == 0 {
		s.chunks = append(s.chunks, new([chunkSize]T))
	}
	i := s.next
	s.next++
	return i
}

// release gives record i back.
func (s *slab[T]) release(i uint32) { s.free = append(s.free, i) }
