package auction

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// lots ranks ids by SHA-256(seed ‖ id), ascending, so that a tie at the margin
// goes neither by arrival nor by anything an order's owner can cheaply choose.
// It returns each id's place.
func lots(seed []byte, n int, id func(int) string) []uint64 {
	var buffer []byte
	hash := func(i int) [sha256.Size]byte {
		buffer = append(append(buffer[:0], seed...), id(i)...)
		return sha256.Sum256(buffer)
	}
	heads := make([]uint64, n)
	places := make([]uint64, n)
	drawn := make([]int32, n)
	for i := range heads {
		h := hash(i)
		heads[i], drawn[i] = binary.BigEndian.Uint64(h[:]), int32(i)
	}
	slices.SortFunc(drawn, func(i, j int32) int {
		if c := cmp.Compare(heads[i], heads[j]); c != 0 || i == j {
			return c
		}
		hi, hj := hash(int(i)), hash(int(j))
		return cmp.Or(bytes.Compare(hi[:], hj[:]), cmp.Compare(id(int(i)), id(int(j))))
	})
	for place, i := range drawn {
		places[i] = uint64(place)
	}
	return places
}

// ration shares total among orders in proportion to what they want: the largest
// remainder method, ties by lot. It returns each order's part.
func (s *stage) ration(orders []uint32, total quantity.Energy) []uint64 {
	shares := make([]quantity.Share, len(orders))
	for i, place := range lots(s.book.Seed, len(orders), func(i int) string { return s.book.Orders[orders[i]].ID }) {
		shares[i] = quantity.Share{Weight: uint64(s.wanted(orders[i])), Rank: place} //nolint:gosec // ≥ 0
	}
	return quantity.Split(uint64(total), shares) //nolint:gosec // ≥ 0
}
