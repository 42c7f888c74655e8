package registry

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/commonwatt/commonwatt/quantity"
)

// Package is a whole number of MWh for a registry that knows nothing smaller: a run of
// certificates of a MWh, and the certificates of a Wh that it is made of.
type Package struct {
	Run
	Parts []Run // By start; they sum to the package's energy.
}

// Pack adds certificates of a Wh up to whole MWh: a package for each device, status,
// account, beneficiary and month of production in UTC. What a month leaves is carried to
// the next one (M-RETS Operating Procedures §4.4: fractional remainders roll over); what
// is left after the last one is given back, to be packed with what comes later. Every Wh
// is in one part or in what is left, and in one of them only.
//
// Errors: certificates that are there twice, or of more than a Wh.
func Pack(runs []Run) (packages []Package, left []Run, err error) {
	for n := range runs {
		if no := runs[n].flaw(); no != nil {
			return nil, nil, fmt.Errorf("pack: run %d of %s: %w", n+1, runs[n].Issuance, no)
		}
		if runs[n].Unit != 1 {
			return nil, nil, fmt.Errorf("pack: run %d of %s is of certificates of %d Wh, and only those of 1 Wh are added up", n+1, runs[n].Issuance, runs[n].Unit)
		}
	}
	if err := overlap("pack", runs, func(n int) int { return n + 1 }); err != nil {
		return nil, nil, err
	}
	list := slices.Clone(runs)
	slices.SortFunc(list, func(a, b Run) int {
		return cmp.Or(compareSeries(&a, &b), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Issuance, b.Issuance), cmp.Compare(a.First, b.First))
	})
	var open []Run
	for n := range list {
		open = append(open, list[n])
		ends := n+1 == len(list) || compareSeries(&list[n], &list[n+1]) != 0
		if !ends && vintageOf(list[n].End) == vintageOf(list[n+1].End) {
			continue
		}
		var p *Package
		if p, open = split(open); p != nil {
			packages = append(packages, *p)
		}
		if ends {
			left, open = append(left, open...), nil
		}
	}
	return packages, left, nil
}

// compareSeries orders what may not be in one package.
func compareSeries(a, b *Run) int {
	return cmp.Or(strings.Compare(a.Registry, b.Registry), strings.Compare(a.Device.ID, b.Device.ID), cmp.Compare(a.Status, b.Status),
		strings.Compare(a.Account, b.Account), strings.Compare(a.Beneficiary, b.Beneficiary))
}

// split takes as many whole MWh as runs have from their front; nil for none.
func split(runs []Run) (*Package, []Run) {
	var sum quantity.Energy
	for n := range runs {
		sum = quantity.MustAdd(sum, runs[n].Energy())
	}
	count := sum / MWh
	if count == 0 {
		return nil, runs
	}
	want := count * MWh
	p := &Package{Run: runs[len(runs)-1]}
	p.Unit, p.First, p.Count, p.Start = MWh, 1, uint64(count), runs[0].Start
	for len(runs) > 0 && want > 0 {
		part := runs[0]
		if part.Energy() <= want {
			runs = runs[1:]
		} else {
			part.Count = uint64(want)
			rest := runs[0]
			rest.First, rest.Count = rest.First+part.Count, rest.Count-part.Count
			runs = append([]Run{rest}, runs[1:]...)
		}
		want -= part.Energy()
		p.End = max(p.End, part.End)
		p.Issued, p.Expires = max(p.Issued, part.Issued), min(p.Expires, part.Expires)
		p.Parts = append(p.Parts, part)
	}
	p.Issuance = p.base()
	return p, runs
}

// base names a package by its parts, so that another of other parts has another name.
func (p *Package) base() string {
	sum := sha256.New()
	for n := range p.Parts {
		_, _ = fmt.Fprintf(sum, "%q %q %d %d\n", p.Parts[n].Registry, p.Parts[n].Issuance, p.Parts[n].First, p.Parts[n].Count) // Into memory.
	}
	return fmt.Sprintf("%.64s-%s-%x", p.Device.ID, vintageText(p.End), sum.Sum(nil)[:8])
}

// Runs are the packages as a registry knows them.
func Runs(packages []Package) []Run {
	runs := make([]Run, len(packages))
	for n := range packages {
		runs[n] = packages[n].Run
	}
	return runs
}
