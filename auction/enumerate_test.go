package auction_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// tinyBook draws a book of at most four orders of at most three Wh, small
// enough to try everything that could happen.
func tinyBook(seed uint64) *auction.Book {
	b := randomBook(seed)
	r := rand.New(rand.NewPCG(seed, 7))
	b.Zones = randomZones(r, 1+r.IntN(3))
	b.Orders = b.Orders[:min(len(b.Orders), 4)]
	for i := range b.Orders {
		o := &b.Orders[i]
		o.Zone %= uint32(len(b.Zones))
		o.Energy %= 4
		o.Limit %= 6
	}
	if b.Utility != nil {
		b.Utility.Retail %= 6
		b.Utility.FeedIn = min(b.Utility.FeedIn, b.Utility.Retail)
	}
	return b
}

// TestTheOracleFindsTheBestOfAllOutcomes tries every combination of fills.
func TestTheOracleFindsTheBestOfAllOutcomes(t *testing.T) {
	traded := 0
	for seed := range uint64(books(t, 2000)) {
		b := tinyBook(seed)
		for _, stage := range stagesOf(b) {
			s := stageOf(b, stage)
			bestWelfare, bestVolume := int64(0), int64(0)
			s.everyOutcome(func(o outcome) {
				welfare, volume := s.worth(o)
				if welfare > bestWelfare || welfare == bestWelfare && volume > bestVolume {
					bestWelfare, bestVolume = welfare, volume
				}
			})
			welfare, volume := s.optimum()
			if welfare != bestWelfare || volume != bestVolume {
				t.Fatalf("book %d: the oracle says welfare %d with %d Wh, the best of all outcomes is %d with %d\n%s",
					seed, welfare, volume, bestWelfare, bestVolume, bookJSON(b))
			}
			if volume > 0 {
				traded++
			}
		}
	}
	if traded == 0 {
		t.Fatal("no book trades, so nothing was compared")
	}
}

// everyOutcome visits every feasible outcome of a stage.
func (s *stageBook) everyOutcome(visit func(outcome)) {
	filled := make([]int64, len(s.wishes))
	for {
		if o := s.follow(slices.Clone(filled)); s.feasible(o) == nil {
			visit(o)
		}
		i := 0
		for i < len(filled) && filled[i] == s.wishes[i].energy {
			filled[i] = 0
			i++
		}
		if i == len(filled) {
			return
		}
		filled[i]++
	}
}

// priceBox is how far from zero the vectors tried reach. Limits of tiny books
// stay below 6 and charges of a path below 7.
const priceBox = 20

// TestTheOracleAveragesAllPriceVectors tries every price vector of books with
// up to two zones, judged by the sentences of the rule rather than by
// differences, and averages them the three steps.
func TestTheOracleAveragesAllPriceVectors(t *testing.T) {
	compared := 0
	for seed := range uint64(min(books(t, 600), 20_000)) {
		b := tinyBook(seed)
		if len(b.Zones) > 2 {
			continue
		}
		stage := stagesOf(b)[0]
		s := stageOf(b, stage)
		best := s.bestOutcome()
		if _, volume := s.worth(best); volume == 0 {
			continue
		}
		p, err := s.prices(best, b.Rule)
		if err != nil {
			t.Fatalf("book %d: %v\n%s", seed, err, bookJSON(b))
		}
		zone, premium := s.averageOfAll(best, b.Rule)
		for i, w := range s.wishes {
			if best.filled[i] > 0 && zone[w.zone] != p.zone[w.zone] {
				t.Fatalf("book %d: zone %d is priced %d, the average is %d\n%s", seed, w.zone, p.zone[w.zone], zone[w.zone], bookJSON(b))
			}
		}
		if best.greenOffered > 0 && premium != p.premium {
			t.Fatalf("book %d: the premium is %d, the average is %d\n%s", seed, p.premium, premium, bookJSON(b))
		}
		compared++
	}
	if compared == 0 {
		t.Fatal("nothing was compared")
	}
}

// bestOutcome is an outcome of the highest welfare, then volume.
func (s *stageBook) bestOutcome() outcome {
	welfare, volume := s.optimum()
	var best outcome
	s.everyOutcome(func(o outcome) {
		if w, v := s.worth(o); w == welfare && v == volume {
			best = o
		}
	})
	return best
}

// vector is one price per zone and the premium.
type vector struct {
	zone    []int64
	premium int64
}

// averageOfAll filters and averages every vector in the box.
func (s *stageBook) averageOfAll(o outcome, rule auction.PriceRule) (zone []int64, premium int64) {
	all := s.everyVector(o, rule)
	if o.greenOffered > 0 {
		least := slices.MinFunc(all, func(a, b vector) int { return int(a.premium - b.premium) }).premium
		withLeast := slices.DeleteFunc(slices.Clone(all), func(v vector) bool { return v.premium != least })
		zone = averageZones(withLeast, len(s.parent))
		// Zones where nothing trades may be unbounded; they stay free.
		all = slices.DeleteFunc(all, func(v vector) bool {
			for i, w := range s.wishes {
				if o.filled[i] > 0 && v.zone[w.zone] != zone[w.zone] {
					return true
				}
			}
			return false
		})
		low, high := all[0].premium, all[0].premium
		for _, v := range all {
			low, high = min(low, v.premium), max(high, v.premium)
		}
		return zone, -floorHalf(-low - high)
	}
	return averageZones(all, len(s.parent)), 0
}

func averageZones(all []vector, zones int) []int64 {
	average := make([]int64, zones)
	for z := range average {
		low, high := all[0].zone[z], all[0].zone[z]
		for _, v := range all {
			low, high = min(low, v.zone[z]), max(high, v.zone[z])
		}
		average[z] = floorHalf(low + high)
	}
	return average
}

// everyVector lists the admissible vectors in the box.
func (s *stageBook) everyVector(o outcome, rule auction.PriceRule) []vector {
	var all []vector
	first := []int64{0}
	if len(s.parent) == 2 {
		first = first[:0]
		for p := int64(-priceBox); p <= priceBox; p++ {
			first = append(first, p)
		}
	}
	for _, other := range first {
		for p := int64(-priceBox); p <= priceBox; p++ {
			for premium := int64(0); premium <= priceBox; premium++ {
				v := vector{[]int64{p, other}[:len(s.parent)], premium}
				if s.sentences(o, rule, v) {
					all = append(all, v)
				}
			}
		}
	}
	return all
}

// sentences judges one vector by the words of "At what price".
func (s *stageBook) sentences(o outcome, rule auction.PriceRule, v vector) bool {
	strict := rule == auction.ClearingRule
	if v.premium > 0 && o.greenOffered > o.greenBid {
		return false
	}
	for i, w := range s.wishes {
		gain := w.limit - v.zone[w.zone]
		if w.green {
			gain -= v.premium
		}
		if !w.buy {
			gain = -gain
		}
		if o.filled[i] > 0 && gain < 0 || strict && o.filled[i] < w.energy && gain > 0 {
			return false
		}
	}
	for z, parent := range s.parent {
		if parent < 0 {
			if s.utility != nil && !utilityHolds(s.utility, o.flow[z], quantity.Price(v.zone[z]), strict) {
				return false
			}
			continue
		}
		if !s.gapHolds(o.flow[z], z, v.zone[parent]-v.zone[z], strict) {
			return false
		}
	}
	return true
}

func utilityHolds(u *auction.Utility, bought int64, root quantity.Price, strict bool) bool {
	if strict && (root < u.FeedIn || root > u.Retail) {
		return false
	}
	return (bought <= 0 || root == u.FeedIn) && (bought >= 0 || root == u.Retail)
}

// gapHolds judges the gap (parent's price less the zone's) of one edge.
func (s *stageBook) gapHolds(flow int64, z int, gap int64, strict bool) bool {
	c := s.charge[z]
	switch {
	case flow > 0 && flow == s.exports[z]:
		return gap >= c
	case flow > 0:
		return gap == c
	case flow < 0 && -flow == s.imports[z]:
		return -gap >= c
	case flow < 0:
		return -gap == c
	}
	return !strict || (gap <= c || s.exports[z] == 0) && (-gap <= c || s.imports[z] == 0)
}
