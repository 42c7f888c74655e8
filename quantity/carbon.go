package quantity

import "math/bits"

// Intensity is how much carbon dioxide an energy stands for, in nanograms per Wh:
// 0.15731905 kg per kWh is 157319050.
type Intensity int64

// Mass is an amount of carbon dioxide in milligrams.
type Mass int64

// intensityPerMass is nanograms in a milligram.
const intensityPerMass = 1_000_000

// Emitted returns what an energy emitted at an intensity, rounded half up to the
// milligram, or ErrOverflow. Neither is below zero.
func Emitted(e Energy, i Intensity) (Mass, error) {
	if e < 0 || i < 0 {
		panic("quantity: an energy or an intensity below zero emits nothing that could be told")
	}
	hi, lo := bits.Mul64(uint64(e), uint64(i))
	lo, carry := bits.Add64(lo, intensityPerMass/2, 0)
	if hi += carry; hi >= intensityPerMass {
		return 0, ErrOverflow
	}
	mg, _ := bits.Div64(hi, lo, intensityPerMass)
	if mg > 1<<63-1 {
		return 0, ErrOverflow
	}
	return Mass(mg), nil
}

// MustEmitted is Emitted where the caller's invariants rule overflow out.
func MustEmitted(e Energy, i Intensity) Mass { return must(Emitted(e, i)) }
