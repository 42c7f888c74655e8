package main

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/commonwatt/commonwatt/op"
)

const head = `# Operations, receipts and refusals

Written by ` + "`go run ./docs/gen`" + ` from the code; do not edit. Numbers are part of the protocol: they are
appended, never used again. Every structure is deterministic CBOR (RFC 8949 §4.2.1) under its integer
keys, or an array where no keys are given. Fields marked "optional" are left out when they are empty.
`

// page writes out a registry. The comments of types and fields are read from
// the sources under root.
//
// Errors: sources that do not parse.
func page(r *op.Registry, root string) (string, error) {
	var b strings.Builder
	b.WriteString(head)
	used := usedTypes{}
	comments := newComments(root)
	for _, domain := range domains(r) {
		fmt.Fprintf(&b, "\n## %s\n", domain)
		for _, o := range r.Operations {
			if in(domain, o.Name) {
				fmt.Fprintf(&b, "\n### %s · operation %d\n\n%s\n", o.Name, o.Kind, o.Doc)
				used.seeFields(reflect.TypeOf(o.Schema))
				fields(&b, reflect.TypeOf(o.Schema), comments)
			}
		}
		for _, s := range r.Receipts {
			if in(domain, s.Name) {
				fmt.Fprintf(&b, "\n### %s · receipt %d\n\n%s\n", s.Name, s.Kind, s.Doc)
				used.seeFields(reflect.TypeOf(s.Value))
				fields(&b, reflect.TypeOf(s.Value), comments)
			}
		}
		refusals(&b, r, domain)
	}
	types(&b, used, comments)
	return b.String(), comments.err
}

// domains lists the domains by their first number.
func domains(r *op.Registry) (names []string) {
	first := map[string]uint32{}
	see := func(name string, number uint32) {
		if least, ok := first[name]; !ok || number < least {
			first[name] = number
		}
	}
	for _, o := range r.Operations {
		see(domainOf(o.Name), o.Kind)
	}
	for _, s := range r.Receipts {
		see(domainOf(s.Name), s.Kind)
	}
	for _, no := range r.Refusals {
		see(no.Domain, no.Code)
	}
	for name := range first {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(first[a], first[b]), strings.Compare(a, b))
	})
	return names
}

func domainOf(name string) string {
	domain, _, _ := strings.Cut(name, ".")
	return domain
}

func in(domain, name string) bool { return domainOf(name) == domain }

func refusals(b *strings.Builder, r *op.Registry, domain string) {
	title := "\n### Refusals of " + domain + "\n\n| Code | Says |\n|---:|---|\n"
	for _, no := range r.Refusals {
		if no.Domain == domain {
			fmt.Fprintf(b, "%s| %d | %s |\n", title, no.Code, no.Text)
			title = ""
		}
	}
}

// types explains every type that the structures use, in alphabetical order.
func types(b *strings.Builder, used usedTypes, comments *comments) {
	b.WriteString("\n## Types\n")
	for _, name := range used.names() {
		t := used[name]
		fmt.Fprintf(b, "\n### %s\n\n", name)
		if t.Kind() == reflect.Struct {
			b.WriteString(comments.of(t) + "\n")
			fields(b, t, comments)
		} else {
			fmt.Fprintf(b, "`%s`. %s\n", under(t), comments.of(t))
		}
	}
}
