package view

import (
	"encoding/binary"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/settlement"
	"github.com/commonwatt/commonwatt/tx"
)

// Lines are the lines of a bill, from settlement.NeighbourBought on.
type Lines [settlement.Levy]settlement.Item

// What a statement has several of is packed: each as so many numbers of 64 bits,
// big-endian, one after the other.
const (
	lineNumbers   = 2
	dealNumbers   = 5
	deviceNumbers = 4
	originNumbers = 3
	passedNumbers = 5
	numberSize    = 8
)

// pack appends numbers.
func pack(b []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // its bits
	}
	return b
}

// unpack calls each with the numbers of one after the other.
func unpack(b []byte, numbers int, each func(at int, n []int64)) {
	one := make([]int64, numbers)
	for at := 0; len(b) >= numbers*numberSize; at++ {
		for i := range one {
			one[i] = int64(binary.BigEndian.Uint64(b[i*numberSize:])) //nolint:gosec // its bits
		}
		each(at, one)
		b = b[numbers*numberSize:]
	}
}

// flag is a yes or no as a number.
func flag(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// packLines packs the items of a statement, each in the place of its line.
func packLines(items []settlement.Item) []byte {
	b := make([]byte, len(Lines{})*lineNumbers*numberSize)
	for _, i := range items {
		pack(b[:int(i.Line-1)*lineNumbers*numberSize], int64(i.Energy), int64(i.Amount))
	}
	return b
}

func unpackLines(b []byte) (l Lines) {
	unpack(b, lineNumbers, func(at int, n []int64) {
		l[at] = settlement.Item{Line: settlement.Line(at + 1), Energy: quantity.Energy(n[0]), Amount: quantity.Money(n[1])} //nolint:gosec // a line's number
	})
	return l
}

func packDeals(deals []settlement.Deal) []byte {
	b := make([]byte, 0, len(deals)*dealNumbers*numberSize)
	for _, d := range deals {
		b = pack(b, flag(d.Bought), bits(d.Partner), int64(d.Class), int64(d.Energy), int64(d.Price))
	}
	return b
}

func unpackDeals(b []byte) (list []settlement.Deal) {
	unpack(b, dealNumbers, func(_ int, n []int64) {
		list = append(list, settlement.Deal{
			Bought: n[0] != 0, Partner: number[tx.AccountID](n[1]), Class: market.Class(n[2]), //nolint:gosec // we wrote it
			Energy: quantity.Energy(n[3]), Price: quantity.Price(n[4]),
		})
	})
	return list
}

func packDevices(devices []settlement.DeviceEnergy) []byte {
	b := make([]byte, 0, len(devices)*deviceNumbers*numberSize)
	for _, d := range devices {
		b = pack(b, bits(d.Device), int64(d.Import), int64(d.Export), flag(d.Estimated))
	}
	return b
}

func unpackDevices(b []byte) (list []settlement.DeviceEnergy) {
	unpack(b, deviceNumbers, func(_ int, n []int64) {
		list = append(list, settlement.DeviceEnergy{
			Device: number[grid.DeviceID](n[0]), Import: quantity.Energy(n[1]), Export: quantity.Energy(n[2]), Estimated: n[3] != 0,
		})
	})
	return list
}
