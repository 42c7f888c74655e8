package op

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Registry is every operation, receipt and refusal of the ledger.
type Registry struct {
	Operations []Operation // By kind.
	Receipts   []Schema    // By kind.
	Refusals   []*Refusal  // By code.
	byKind     map[uint32]int
}

// NewRegistry joins the domains' sets.
//
// Errors: numbers or names that two of them use.
func NewRegistry(sets ...*Set) (*Registry, error) {
	r := &Registry{byKind: map[uint32]int{}}
	for _, s := range sets {
		r.Operations = append(r.Operations, s.operations...)
		r.Receipts = append(r.Receipts, s.receipts...)
		r.Refusals = append(r.Refusals, s.refusals...)
	}
	slices.SortFunc(r.Operations, func(a, b Operation) int { return cmp.Compare(a.Kind, b.Kind) })
	slices.SortFunc(r.Receipts, func(a, b Schema) int { return cmp.Compare(a.Kind, b.Kind) })
	slices.SortFunc(r.Refusals, func(a, b *Refusal) int { return cmp.Compare(a.Code, b.Code) })
	for i, o := range r.Operations {
		r.byKind[o.Kind] = i
	}
	return r, errors.Join(
		twice("operation", r.Operations, func(o Operation) uint32 { return o.Kind }),
		twice("operation", r.Operations, func(o Operation) string { return o.Name }),
		twice("receipt", r.Receipts, func(s Schema) uint32 { return s.Kind }),
		twice("receipt", r.Receipts, func(s Schema) string { return s.Name }),
		twice("refusal", r.Refusals, func(no *Refusal) uint32 { return no.Code }),
	)
}

// Operation returns the operation of a kind and whether there is one.
func (r *Registry) Operation(kind uint32) (*Operation, bool) {
	i, ok := r.byKind[kind]
	if !ok {
		return nil, false
	}
	return &r.Operations[i], true
}

// twice reports a number or a name that two of a list share.
func twice[T any, N cmp.Ordered](what string, list []T, of func(T) N) error {
	names := make([]N, len(list))
	for i, v := range list {
		names[i] = of(v)
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return fmt.Errorf("op: %s %v is defined twice", what, names[i])
		}
	}
	return nil
}
