package grid

import (
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// NoLimit stands for a line without a limit.
const NoLimit quantity.Energy = -1

// MaxCharge bounds the charge of a line, so that no sum over a path overflows.
const MaxCharge quantity.Price = 1 << 20

// MaxLimit bounds a limit: 32 GWh in an interval.
const MaxLimit quantity.Energy = 1 << 35

// MaxLossPPM bounds what a line loses, 15 %, so that what is lost on the longest
// path at the highest retail price still is a price (market's test of bounds).
const MaxLossPPM = 150_000

// Line is the line from a zone to its parent.
type Line struct {
	Charge      quantity.Price  `cbor:"1,keyasint" json:"charge"`          // What a Wh pays, either way; ≥ 0.
	ExportLimit quantity.Energy `cbor:"2,keyasint" json:"export_limit_wh"` // Per interval, or NoLimit.
	ImportLimit quantity.Energy `cbor:"3,keyasint" json:"import_limit_wh"` // Per interval, or NoLimit.
	// LossPPM is what is lost on the line of each million Wh that flow over it.
	LossPPM uint32 `cbor:"4,keyasint,omitempty" json:"loss_ppm,omitempty"`
}

// Lost is what of a flow, either way, is lost on the line, rounded down.
func (l Line) Lost(flow quantity.Energy) quantity.Energy {
	if flow < 0 {
		flow = -flow
	}
	return flow/million*quantity.Energy(l.LossPPM) + flow%million*quantity.Energy(l.LossPPM)/million
}

// LossPrice is what a Wh that crosses the line pays for what is lost of it, at
// what the supplier asks: rounded up, so that it covers Lost, and never below zero.
func (l Line) LossPrice(retail quantity.Price) quantity.Price {
	return (max(retail, 0)*quantity.Price(l.LossPPM) + million - 1) / million // Below 2^24 × 2^18.
}

const million = 1_000_000

// SetLine sets charge, limits and losses of the line from a zone to its parent, from an
// interval on.
type SetLine struct {
	Microgrid MicrogridID   `cbor:"1,keyasint" json:"microgrid"`
	Zone      ZoneID        `cbor:"2,keyasint" json:"zone"`
	From      interval.Time `cbor:"3,keyasint" json:"from"`
	Line      Line          `cbor:"4,keyasint" json:"line"`
}

// Refusals of SetLine, in order of precedence.
var (
	ErrLineCharge = Ops.Refuse(60, "a charge is not below zero nor above 2^20 units per Wh")
	ErrLineLimit  = Ops.Refuse(61, "a limit is an energy per interval of at most 2^35 Wh, or -1 for none")
	ErrLineLoss   = Ops.Refuse(64, "a line loses at most 150,000 parts per million, 15 %")
	ErrLineZone   = Ops.Refuse(62, "there is no such zone")
	ErrLineRoot   = Ops.Refuse(63, "the root zone has no line to a parent")
)

// LineSet is the receipt of SetLine.
var LineSet = op.DefineReceipt[SetLine](Ops, 60, "line-set", "Charge, limits and losses of a line.")

// SetLineKind sets charge, limits and losses of a line.
var SetLineKind = op.Define(Ops, op.Spec[SetLine]{
	Number: 60,
	Name:   "set-line",
	Doc:    "Set charge, limits and losses of the line from a zone to its parent.",
	Check: func(o *SetLine) *op.Refusal {
		switch {
		case o.Line.Charge < 0 || o.Line.Charge > MaxCharge:
			return ErrLineCharge
		case !limit(o.Line.ExportLimit) || !limit(o.Line.ImportLimit):
			return ErrLineLimit
		case o.Line.LossPPM > MaxLossPPM:
			return ErrLineLoss
		}
		return nil
	},
	Apply: func(ctx *op.Context, s state.Store, o *SetLine) *op.Refusal {
		if _, no := Change(s, ctx.Signer, o.Microgrid, o.From); no != nil {
			return no
		}
		z, ok := zones.Get(s, Zone{o.Microgrid, o.Zone})
		switch {
		case !ok:
			return ErrLineZone
		case z.Parent == 0:
			return ErrLineRoot
		}
		lines.Put(s, Zone{o.Microgrid, o.Zone}, o.From, o.Line)
		op.Emit(ctx, LineSet, op.Public, *o)
		return nil
	},
})

func limit(e quantity.Energy) bool { return NoLimit <= e && e <= MaxLimit }

// Node is a zone with its line at one moment.
type Node struct {
	Zone   ZoneID
	Parent ZoneID
	Line   Line
}

// Tree returns a microgrid's zones with their lines as they are at a moment,
// in the order of their numbers.
func Tree(s state.Reader, m MicrogridID, at interval.Time) []Node {
	var tree []Node
	for k, z := range zones.Under(s, m) {
		line, _, ok := lines.At(s, k, at)
		if !ok {
			line = Line{ExportLimit: NoLimit, ImportLimit: NoLimit}
		}
		tree = append(tree, Node{k.Zone, z.Parent, line})
	}
	return tree
}
