package main

import (
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// decodeResult reads a result of b as writeResultJSON writes it. The refusal
// says that the text has not the form of a result, the error that it names what
// the book does not have, so that it is no result of this book.
func decodeResult(b *auction.Book, text []byte) (*auction.Result, *auction.FieldError, error) {
	w, refusal := newJSONWalk(text)
	if refusal != nil {
		return nil, refusal, nil
	}
	r := resultReader{jsonWalk: w, book: b, result: &auction.Result{}}
	r.zones = make(map[string]uint32, len(b.Zones))
	for i := range b.Zones {
		r.zones[b.Zones[i].ID] = uint32(i)
	}
	r.orders = make(map[string]uint32, len(b.Orders))
	for i := range b.Orders {
		r.orders[b.Orders[i].ID] = uint32(i)
	}
	if refusal := r.read(); refusal != nil {
		if refusal.Path == "" {
			refusal.Path = "result"
		}
		return nil, refusal, nil
	}
	return r.result, nil, r.foreign
}

// resultReader is a result in the making.
type resultReader struct {
	*jsonWalk
	book    *auction.Book
	result  *auction.Result
	zones   map[string]uint32
	orders  map[string]uint32
	foreign error // The first name that the book does not have.
}

// nameInto reads an id as its index in the book.
func (r *resultReader) nameInto(v *uint32, noun string, index map[string]uint32) func() *auction.FieldError {
	var name string
	read := r.textInto(&name)
	return func() *auction.FieldError {
		if refusal := read(); refusal != nil {
			return refusal
		}
		i, known := index[name]
		if !known && r.foreign == nil {
			r.foreign = fmt.Errorf("the book has no %s %q", noun, name)
		}
		*v = i
		return nil
	}
}

func (r *resultReader) read() *auction.FieldError {
	out := r.result
	return r.object([]jsonField{
		{"prices", true, r.readPrices},
		{"fills", true, r.readFills},
		{"utility", true, r.utilityInto(&out.UtilitySold, &out.UtilityBought)},
		{"flows", true, r.flowsInto(&out.Flows)},
		{"welfare", true, integerInto(r.jsonWalk, &out.Welfare)},
		{"network_revenue", true, integerInto(r.jsonWalk, &out.NetworkRevenue)},
		{"proof", true, r.readStages},
	})
}

func (r *resultReader) readPrices() *auction.FieldError {
	var p auction.ZonePrice
	fields := []jsonField{
		{"zone", true, r.nameInto(&p.Zone, "zone", r.zones)},
		{"class", true, choiceInto(r.jsonWalk, &p.Class, classNames)},
		{"price", true, integerInto(r.jsonWalk, &p.Price)},
		{"stage", true, choiceInto(r.jsonWalk, &p.Stage, stageNames)},
	}
	return r.array(func(int) *auction.FieldError {
		refusal := r.object(fields)
		r.result.Prices = append(r.result.Prices, p)
		return refusal
	})
}

func (r *resultReader) readFills() *auction.FieldError {
	var f auction.Fill
	fields := []jsonField{
		{"order", true, r.nameInto(&f.Order, "order", r.orders)},
		{"energy_wh", true, integerInto(r.jsonWalk, &f.Energy)},
		{"price", true, integerInto(r.jsonWalk, &f.Price)},
		{"amount", true, integerInto(r.jsonWalk, &f.Amount)},
		{"stage", true, choiceInto(r.jsonWalk, &f.Stage, stageNames)},
	}
	return r.array(func(int) *auction.FieldError {
		refusal := r.object(fields)
		r.result.Fills = append(r.result.Fills, f)
		return refusal
	})
}

func (r *resultReader) utilityInto(sold, bought *quantity.Energy) func() *auction.FieldError {
	return func() *auction.FieldError {
		return r.object([]jsonField{
			{"sold_wh", true, integerInto(r.jsonWalk, sold)},
			{"bought_wh", true, integerInto(r.jsonWalk, bought)},
		})
	}
}

func (r *resultReader) flowsInto(flows *[]auction.Flow) func() *auction.FieldError {
	var f auction.Flow
	fields := []jsonField{
		{"zone", true, r.nameInto(&f.Zone, "zone", r.zones)},
		{"import_wh", true, integerInto(r.jsonWalk, &f.Import)},
		{"export_wh", true, integerInto(r.jsonWalk, &f.Export)},
	}
	return func() *auction.FieldError {
		return r.array(func(int) *auction.FieldError {
			refusal := r.object(fields)
			*flows = append(*flows, f)
			return refusal
		})
	}
}

func (r *resultReader) readStages() *auction.FieldError {
	return r.array(func(int) *auction.FieldError {
		var s auction.StageProof
		refusal := r.object([]jsonField{
			{"stage", true, choiceInto(r.jsonWalk, &s.Stage, stageNames)},
			{"premium", true, integerInto(r.jsonWalk, &s.Premium)},
			{"utility", true, r.utilityInto(&s.Sold, &s.Bought)},
			{"prices", true, func() *auction.FieldError { return r.readSupport(&s) }},
			{"flows", true, r.flowsInto(&s.Flows)},
		})
		r.result.Stages = append(r.result.Stages, s)
		return refusal
	})
}

// readSupport reads the supporting price of every zone, in the book's order.
func (r *resultReader) readSupport(s *auction.StageProof) *auction.FieldError {
	var zone uint32
	var price quantity.Price
	fields := []jsonField{
		{"zone", true, r.nameInto(&zone, "zone", r.zones)},
		{"price", true, integerInto(r.jsonWalk, &price)},
	}
	refusal := r.array(func(i int) *auction.FieldError {
		refusal := r.object(fields)
		if int64(zone) != int64(i) && r.foreign == nil {
			r.foreign = errors.New("the supporting prices are not one per zone in the order of the book")
		}
		s.Prices = append(s.Prices, price)
		return refusal
	})
	if len(s.Prices) != len(r.book.Zones) && r.foreign == nil {
		r.foreign = fmt.Errorf("there are %d supporting prices for %d zones", len(s.Prices), len(r.book.Zones))
	}
	return refusal
}
