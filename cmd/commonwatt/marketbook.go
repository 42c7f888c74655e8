package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// Names of the choices in a book, in the order of the constants of auction.
var (
	sideNames  = []string{"buy", "sell"}
	classNames = []string{"any", "green"}
	stageNames = []string{"members", "utility"}
	modeNames  = []string{"uniform", "pay-as-bid", "mid-market"}
	ruleNames  = []string{"split", "clearing"}
)

// decodeBook reads the book format of docs/market.md. It refuses text that is
// not JSON first, then the first field of a wrong shape, then what
// auction.Book.Validate refuses.
func decodeBook(text []byte) (*auction.Book, *auction.FieldError) {
	w, refusal := newJSONWalk(text)
	if refusal != nil {
		return nil, refusal
	}
	r := bookReader{jsonWalk: w, book: &auction.Book{MembersFirst: true}}
	if refusal := r.read(); refusal != nil {
		if refusal.Path == "" {
			refusal.Path = "book"
		}
		return nil, refusal
	}
	return r.book, r.resolve()
}

// bookReader is a book in the making: ids are still names.
type bookReader struct {
	*jsonWalk
	book       *auction.Book
	hasRule    bool
	parents    []string // Per zone; empty: none.
	orderZones []string // Per order.
	owners     map[string]uint32
}

func (r *bookReader) read() *auction.FieldError {
	b := r.book
	readRule := choiceInto(r.jsonWalk, &b.Rule, ruleNames)
	refusal := r.object([]jsonField{
		{"zones", true, r.readZones},
		{"utility", false, r.readUtility},
		{"mode", false, choiceInto(r.jsonWalk, &b.Mode, modeNames)},
		{"price_rule", false, func() *auction.FieldError { r.hasRule = true; return readRule() }},
		{"members_first", false, r.flagInto(&b.MembersFirst)},
		{"seed", false, r.readSeed},
		{"orders", true, r.readOrders},
	})
	if !r.hasRule && !b.MembersFirst {
		b.Rule = auction.ClearingRule
	}
	return refusal
}

func (r *bookReader) readZones() *auction.FieldError {
	var z auction.Zone
	var parent string
	fields := []jsonField{
		{"id", true, r.textInto(&z.ID)},
		{"parent", false, parentInto(r.jsonWalk, &parent)},
		{"charge", false, integerInto(r.jsonWalk, &z.Charge)},
		{"export_limit_wh", false, limitInto(r.jsonWalk, &z.ExportLimit)},
		{"import_limit_wh", false, limitInto(r.jsonWalk, &z.ImportLimit)},
	}
	return r.array(func(int) *auction.FieldError {
		z = auction.Zone{Parent: auction.NoParent, ExportLimit: auction.NoLimit, ImportLimit: auction.NoLimit}
		parent = ""
		if refusal := r.object(fields); refusal != nil {
			return refusal
		}
		if parent == "" {
			if refusal := refuseRootLine(&z); refusal != nil {
				return refusal
			}
		}
		r.book.Zones = append(r.book.Zones, z)
		r.parents = append(r.parents, parent)
		return nil
	})
}

// parentInto reads the name of a parent, which is not empty.
func parentInto(w *jsonWalk, v *string) func() *auction.FieldError {
	read := w.textInto(v)
	return func() *auction.FieldError {
		if refusal := read(); refusal != nil {
			return refusal
		}
		if *v == "" {
			return refuse("", "is empty", "leave it out for the root")
		}
		return nil
	}
}

// limitInto reads a line limit. A negative one is refused here, because
// auction.NoLimit is a negative number that the format has no need for.
func limitInto(w *jsonWalk, v *quantity.Energy) func() *auction.FieldError {
	read := integerInto(w, v)
	return func() *auction.FieldError {
		if refusal := read(); refusal != nil {
			return refusal
		}
		if *v < 0 {
			return refuse("", fmt.Sprintf("%d is negative", *v), "leave it out for a line without limit")
		}
		return nil
	}
}

// refuseRootLine refuses a charge or limit on a zone without a parent: nothing
// would apply it, and its author counts on it.
func refuseRootLine(z *auction.Zone) *auction.FieldError {
	const problem, hint = "the root has no line", "give it to a zone below the root"
	switch {
	case z.Charge != 0:
		return refuse("charge", problem, hint)
	case z.ExportLimit != auction.NoLimit:
		return refuse("export_limit_wh", problem, hint)
	case z.ImportLimit != auction.NoLimit:
		return refuse("import_limit_wh", problem, hint)
	}
	return nil
}

func (r *bookReader) readUtility() *auction.FieldError {
	r.book.Utility = &auction.Utility{}
	return r.object([]jsonField{
		{"retail", true, integerInto(r.jsonWalk, &r.book.Utility.Retail)},
		{"feed_in", true, integerInto(r.jsonWalk, &r.book.Utility.FeedIn)},
	})
}

func (r *bookReader) readSeed() *auction.FieldError {
	var digits string
	if refusal := r.textInto(&digits)(); refusal != nil {
		return refusal
	}
	seed, err := hex.DecodeString(digits)
	if err != nil {
		return refuse("", fmt.Sprintf("%q is not hexadecimal", digits), "write two digits per byte")
	}
	r.book.Seed = seed
	return nil
}

func (r *bookReader) readOrders() *auction.FieldError {
	var o auction.Order
	var owner, zone string
	fields := []jsonField{
		{"id", true, r.textInto(&o.ID)},
		{"owner", true, r.textInto(&owner)},
		{"zone", true, r.textInto(&zone)},
		{"side", true, choiceInto(r.jsonWalk, &o.Side, sideNames)},
		{"energy_wh", true, integerInto(r.jsonWalk, &o.Energy)},
		{"price", true, integerInto(r.jsonWalk, &o.Limit)},
		{"class", false, choiceInto(r.jsonWalk, &o.Class, classNames)},
	}
	r.owners = make(map[string]uint32)
	return r.array(func(int) *auction.FieldError {
		o = auction.Order{}
		if refusal := r.object(fields); refusal != nil {
			return refusal
		}
		o.Owner = r.owner(owner)
		r.book.Orders = append(r.book.Orders, o)
		r.orderZones = append(r.orderZones, zone)
		return nil
	})
}

// owner is the index of a name, in order of appearance.
func (r *bookReader) owner(name string) uint32 {
	i, known := r.owners[name]
	if !known {
		i = uint32(len(r.book.Owners)) //nolint:gosec // one per order at most, and a file has fewer than 2^32
		r.owners[name] = i
		r.book.Owners = append(r.book.Owners, name)
	}
	return i
}

// resolve turns names of zones into indices and validates the book. A name that
// there is not becomes an index that there is not, so that Validate alone
// decides which refusal comes first; only its words are then made better.
func (r *bookReader) resolve() *auction.FieldError {
	b := r.book
	index := make(map[string]int, len(b.Zones))
	for i, z := range slices.Backward(b.Zones) {
		index[z.ID] = i // Of equal ids the first stays.
	}
	unknown := make(map[string]string)
	find := func(name, path string, i int) int {
		if at, ok := index[name]; ok {
			return at
		}
		unknown[fmt.Sprintf(path, i)] = name
		return len(b.Zones)
	}
	for i, parent := range r.parents {
		if parent != "" {
			b.Zones[i].Parent = int32(find(parent, "zones[%d].parent", i)) //nolint:gosec // a file has fewer than 2^31 zones
		}
	}
	for i, zone := range r.orderZones {
		b.Orders[i].Zone = uint32(find(zone, "orders[%d].zone", i)) //nolint:gosec // as above
	}
	refusal, bad := errors.AsType[*auction.FieldError](b.Validate())
	if !bad {
		return nil
	}
	if name, ok := unknown[refusal.Path]; ok {
		refusal.Problem = fmt.Sprintf("there is no zone %q", name)
		refusal.Hint = zoneHint(b)
	}
	return refusal
}

// zonesNamed is how many zones a hint lists.
const zonesNamed = 8

// zoneHint lists the first zones there are.
func zoneHint(b *auction.Book) string {
	names := make([]string, 0, zonesNamed+1)
	for i := range b.Zones[:min(len(b.Zones), zonesNamed)] {
		names = append(names, b.Zones[i].ID)
	}
	if more := len(b.Zones) - zonesNamed; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return "zones are " + strings.Join(names, ", ")
}
