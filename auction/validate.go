package auction

import (
	"fmt"
	"slices"

	"github.com/commonwatt/commonwatt/quantity"
)

// FieldError refuses a book and says which field is at fault. Path names the
// field as the JSON of `commonwatt market` spells it, such as
// orders[3].energy_wh.
type FieldError struct {
	Path    string
	Problem string // What is wrong with it.
	Hint    string // What would be right; may be empty.
}

// Error returns path, problem and hint in one line.
func (e *FieldError) Error() string {
	text := e.Path + ": " + e.Problem
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// Validate refuses a book that cannot be cleared, with a *FieldError. A book
// that passes clears without overflow. Of several faults the first counts, in
// this order: the zones one by one, the shape of their tree, the utility, mode
// and price rule, the orders one by one, their total. Within a zone or an order
// the fields count in the order of the struct.
func (b *Book) Validate() error {
	for _, check := range []func(*Book) *FieldError{
		checkZones, checkTree, checkUtility, checkRule, checkOrders, checkTotal,
	} {
		if refusal := check(b); refusal != nil {
			return refusal
		}
	}
	return nil
}

func checkZones(b *Book) *FieldError {
	if len(b.Zones) == 0 {
		return &FieldError{"zones", "there is no zone", "a book needs at least the root"}
	}
	first := make(map[string]int, len(b.Zones))
	for i := range b.Zones {
		if problem := checkZone(b, i, first); problem != nil {
			problem.Path = fmt.Sprintf("zones[%d].%s", i, problem.Path)
			return problem
		}
	}
	return nil
}

// checkZone judges zone i; first holds where each id was seen first.
func checkZone(b *Book, i int, first map[string]int) *FieldError {
	z := &b.Zones[i]
	if z.ID == "" {
		return &FieldError{"id", "is empty", ""}
	}
	if earlier, taken := first[z.ID]; taken {
		return &FieldError{"id", fmt.Sprintf("%q is already the id of zones[%d]", z.ID, earlier), ""}
	}
	first[z.ID] = i
	if z.Parent != NoParent && (z.Parent < 0 || int(z.Parent) >= len(b.Zones)) {
		return &FieldError{"parent", fmt.Sprintf("there is no zone %d", z.Parent), ""}
	}
	if z.Charge < 0 {
		return &FieldError{"charge", fmt.Sprintf("%d is negative", z.Charge), "the least is 0"}
	}
	if z.Charge > MaxPrice {
		return &FieldError{"charge", fmt.Sprintf("%d is too large", z.Charge), fmt.Sprintf("the most is %d", MaxPrice)}
	}
	if problem := checkLimit("export_limit_wh", z.ExportLimit); problem != nil {
		return problem
	}
	return checkLimit("import_limit_wh", z.ImportLimit)
}

func checkLimit(path string, limit quantity.Energy) *FieldError {
	if limit == NoLimit {
		return nil
	}
	return checkEnergy(path, limit)
}

func checkEnergy(path string, e quantity.Energy) *FieldError {
	if e < 0 {
		return &FieldError{path, fmt.Sprintf("%d is negative", e), "the least is 0"}
	}
	if e > MaxEnergy {
		return &FieldError{path, fmt.Sprintf("%d is too large", e), fmt.Sprintf("the most is %d", MaxEnergy)}
	}
	return nil
}

func checkPrice(path string, p quantity.Price) *FieldError {
	if p < -MaxPrice || p > MaxPrice {
		return &FieldError{path, fmt.Sprintf("%d is too large", p), fmt.Sprintf("prices lie within ±%d", MaxPrice)}
	}
	return nil
}

// checkTree refuses two roots, a circle, and a path whose charges sum to more
// than a price may be.
func checkTree(b *Book) *FieldError {
	if refusal := checkRoots(b); refusal != nil {
		return refusal
	}
	// toRoot is the charge from a zone to the root, or unknown. A walk up that
	// meets itself before anything known has gone round a circle.
	const unknown, walking = -1, -2
	toRoot := make([]quantity.Price, len(b.Zones))
	for i := range toRoot {
		toRoot[i] = unknown
	}
	var path []int
	for i := range b.Zones {
		path = path[:0]
		at := i
		for at >= 0 && toRoot[at] == unknown {
			toRoot[at] = walking
			path = append(path, at)
			at = int(b.Zones[at].Parent)
		}
		if at >= 0 && toRoot[at] == walking {
			return circle(b, at)
		}
		var charge quantity.Price
		if at >= 0 {
			charge = toRoot[at]
		}
		for _, zone := range slices.Backward(path) {
			// Both are at most MaxPrice, so the sum fits.
			charge = quantity.MustAdd(charge, b.Zones[zone].Charge)
			if charge > MaxPrice {
				return dear(b, zone, charge)
			}
			toRoot[zone] = charge
		}
	}
	return nil
}

// checkRoots refuses a second root. That there is a first one follows: parents
// without a root go round a circle.
func checkRoots(b *Book) *FieldError {
	root := -1
	for i := range b.Zones {
		if b.Zones[i].Parent != NoParent {
			continue
		}
		if root >= 0 {
			return &FieldError{
				fmt.Sprintf("zones[%d].parent", i),
				fmt.Sprintf("%q has no parent, and neither has %q", b.Zones[i].ID, b.Zones[root].ID),
				"one zone is the root",
			}
		}
		root = i
	}
	return nil
}

// dear refuses the charges from a zone to the root.
func dear(b *Book, zone int, charge quantity.Price) *FieldError {
	return &FieldError{
		fmt.Sprintf("zones[%d].charge", zone),
		fmt.Sprintf("the charges from %q to the root sum to %d", b.Zones[zone].ID, charge),
		fmt.Sprintf("the most is %d", MaxPrice),
	}
}

// circle refuses the circle that zone at is part of, at its first zone.
func circle(b *Book, at int) *FieldError {
	first := at
	for z := int(b.Zones[at].Parent); z != at; z = int(b.Zones[z].Parent) {
		first = min(first, z)
	}
	return &FieldError{
		fmt.Sprintf("zones[%d].parent", first),
		fmt.Sprintf("%q is its own ancestor", b.Zones[first].ID),
		"parents must lead to one root",
	}
}

func checkUtility(b *Book) *FieldError {
	if b.Utility == nil {
		return nil
	}
	if problem := checkPrice("utility.retail", b.Utility.Retail); problem != nil {
		return problem
	}
	if problem := checkPrice("utility.feed_in", b.Utility.FeedIn); problem != nil {
		return problem
	}
	if b.Utility.FeedIn > b.Utility.Retail {
		return &FieldError{
			"utility.feed_in",
			fmt.Sprintf("%d is above retail %d", b.Utility.FeedIn, b.Utility.Retail),
			"whoever bought and sold back would gain without end",
		}
	}
	return nil
}

func checkRule(b *Book) *FieldError {
	if b.Mode > MidMarket {
		return &FieldError{"mode", fmt.Sprintf("there is no mode %d", b.Mode), ""}
	}
	if b.Rule > ClearingRule {
		return &FieldError{"price_rule", fmt.Sprintf("there is no price rule %d", b.Rule), ""}
	}
	return nil
}

func checkOrders(b *Book) *FieldError {
	first := make(map[string]int, len(b.Orders))
	for i := range b.Orders {
		if problem := checkOrder(b, i, first); problem != nil {
			problem.Path = fmt.Sprintf("orders[%d].%s", i, problem.Path)
			return problem
		}
	}
	return nil
}

// checkOrder judges order i; first holds where each id was seen first.
func checkOrder(b *Book, i int, first map[string]int) *FieldError {
	o := &b.Orders[i]
	if o.ID == "" {
		return &FieldError{"id", "is empty", ""}
	}
	if earlier, taken := first[o.ID]; taken {
		return &FieldError{"id", fmt.Sprintf("%q is already the id of orders[%d]", o.ID, earlier), ""}
	}
	first[o.ID] = i
	if int64(o.Owner) >= int64(len(b.Owners)) {
		return &FieldError{"owner", fmt.Sprintf("there is no owner %d", o.Owner), ""}
	}
	if int64(o.Zone) >= int64(len(b.Zones)) {
		return &FieldError{"zone", fmt.Sprintf("there is no zone %d", o.Zone), ""}
	}
	if o.Side > Sell {
		return &FieldError{"side", fmt.Sprintf("there is no side %d", o.Side), ""}
	}
	if o.Class > Green {
		return &FieldError{"class", fmt.Sprintf("there is no class %d", o.Class), ""}
	}
	if problem := checkEnergy("energy_wh", o.Energy); problem != nil {
		return problem
	}
	return checkPrice("price", o.Limit)
}

// checkTotal refuses a book whose orders together exceed MaxEnergy, so that no
// sum of energies and no sum of amounts in a clearing overflows.
func checkTotal(b *Book) *FieldError {
	var total quantity.Energy
	for i := range b.Orders {
		// Both are at most MaxEnergy, so the sum fits.
		total = quantity.MustAdd(total, b.Orders[i].Energy)
		if total > MaxEnergy {
			return &FieldError{
				fmt.Sprintf("orders[%d].energy_wh", i),
				fmt.Sprintf("the orders up to here sum to %d", total),
				fmt.Sprintf("the most is %d", MaxEnergy),
			}
		}
	}
	return nil
}
