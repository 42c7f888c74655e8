package community

import (
	"fmt"
	"slices"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/quantity"
)

// theGrid is the one zone of a file without zones.
const theGrid = "grid"

// zones reads the tree.
func (b *builder) zones(file []fileZone) error {
	if len(file) == 0 {
		file = []fileZone{{ID: theGrid}}
	}
	if len(file) > zonesMax {
		return b.refuse("zone", "there are more than %d zones", zonesMax)
	}
	b.zoneIndex = make(map[string]int, len(file))
	for i, z := range file {
		field := fmt.Sprintf("zone[%d].id", i)
		if !identifier(z.ID) {
			return b.refuse(field, "%.80q is no identifier; %s", z.ID, identifierRule)
		}
		if first, taken := b.zoneIndex[z.ID]; taken {
			return b.refuse(field, "%q is zone[%d] already", z.ID, first)
		}
		b.zoneIndex[z.ID], b.zoneIDs = i, append(b.zoneIDs, z.ID)
	}
	depths, err := b.tree(file)
	if err != nil {
		return err
	}
	order := make([]int, len(file))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return depths[i] - depths[j] })
	for _, i := range order {
		line, err := b.line(fmt.Sprintf("zone[%d]", i), &file[i])
		if err != nil {
			return err
		}
		b.c.Zones = append(b.c.Zones, Zone{ID: file[i].ID, Parent: file[i].Parent, Line: line, Feeder: file[i].Feeder})
	}
	return nil
}

// tree checks that the zones are a tree with one root and returns their depths.
func (b *builder) tree(file []fileZone) (depths []int, err error) {
	root := -1
	for i, z := range file {
		field := fmt.Sprintf("zone[%d].parent", i)
		_, known := b.zoneIndex[z.Parent]
		switch {
		case z.Parent == "" && root >= 0:
			return nil, b.refuse(field, "is missing; the root is %q already, and a tree has one", file[root].ID)
		case z.Parent == "":
			root = i
		case !known:
			return nil, b.refuse(field, "there is no zone %q%s; zones are %s", z.Parent, meant(z.Parent, b.zoneIDs), some(b.zoneIDs))
		}
	}
	depths = make([]int, len(file))
	for i := range file {
		for at := i; file[at].Parent != ""; at = b.zoneIndex[file[at].Parent] {
			if depths[i]++; depths[i] > grid.MaxDepth {
				return nil, b.refuse(fmt.Sprintf("zone[%d].parent", i), "leads in a circle or more than %d lines away from the root", grid.MaxDepth)
			}
		}
	}
	return depths, nil
}

// line reads charge, limits and losses of the line from a zone to its parent.
func (b *builder) line(at string, z *fileZone) (line grid.Line, err error) {
	line = grid.Line{ExportLimit: grid.NoLimit, ImportLimit: grid.NoLimit}
	if z.Parent == "" && (z.Charge != nil || z.ExportLimitKW != nil || z.ImportLimitKW != nil || z.Loss != nil) {
		return line, b.refuse(at, "%q is the root and has no line to a parent; put charge, limits and loss on a zone below it", z.ID)
	}
	if line.Charge, err = b.notBelowZero(at+".charge", z.Charge, grid.MaxCharge); err != nil {
		return line, err
	}
	if line.ExportLimit, err = b.limit(at+".export_limit_kw", z.ExportLimitKW); err != nil {
		return line, err
	}
	if line.ImportLimit, err = b.limit(at+".import_limit_kw", z.ImportLimitKW); err != nil {
		return line, err
	}
	line.LossPPM, err = b.loss(at+".loss", z.Loss)
	return line, err
}

// loss reads a share of what flows as parts per million; 0 when there is none.
func (b *builder) loss(field string, d *decimal) (uint32, error) {
	if d == nil {
		return 0, nil
	}
	ppm, fine, reason := d.scaled(6)
	switch {
	case reason != "":
		return 0, b.refuse(field, "%.80q %s", d.text, reason)
	case fine > 0:
		return 0, b.refuse(field, "%.80q has %d digits after the point; a share has at most 6", d.text, fine)
	case ppm < 0 || ppm > grid.MaxLossPPM:
		return 0, b.refuse(field, "%.80q is not between 0 and 0.15; it is a share of what flows, so 1.5 %% are 0.015", d.text)
	}
	return uint32(ppm), nil
}

// limit reads a limit in kW as energy per interval, rounded down.
func (b *builder) limit(field string, d *decimal) (quantity.Energy, error) {
	if d == nil {
		return grid.NoLimit, nil
	}
	w, err := b.watts(field, d)
	return perInterval(w, b.c.Length), err
}

// meant is a hint at the word that a misspelt one stands for, or "".
func meant(misspelt string, among []string) string {
	if near := nearest(misspelt, among); near != "" {
		return fmt.Sprintf("; did you mean %q", near)
	}
	return ""
}

// some lists the first of many words.
func some(words []string) string {
	const most = 12
	if len(words) <= most {
		return list(words)
	}
	return fmt.Sprintf("%s and %d more", list(words[:most]), len(words)-most)
}
