package bench

import (
	"crypto/ed25519"
	"encoding/binary"
	"time"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tariff"
	"github.com/commonwatt/commonwatt/tx"
)

// town is microgrids, numbered from one on, of homes with a meter and an account each.
// A third of them produce more than they use.
type town struct {
	microgrids grid.MicrogridID
	meters     uint64        // Of each microgrid.
	until      interval.Time // Up to where there are readings.
}

// Numbers of a town: its zones, the parties of all of its microgrids, and where the
// accounts of its homes begin.
const (
	zones       = 20
	utility     = tx.AccountID(accounts + 1)
	network     = tx.AccountID(accounts + 2)
	levy        = tx.AccountID(accounts + 3)
	firstHome   = tx.AccountID(1 << 20)
	quarterHour = interval.Time(interval.Minutes15)
)

// newTown is a town whose readings begin more than a year ago.
func newTown(microgrids grid.MicrogridID, meters uint64) town {
	at := interval.Minutes15.Containing(interval.Time(time.Now().Unix())).Start - 400*24*3600
	return town{microgrids, meters, at}
}

// home is the account of a home; homes of all microgrids are numbered together.
func (t town) home(id grid.MicrogridID, meter uint64) tx.AccountID {
	return firstHome + tx.AccountID(uint64(id-1)*t.meters+meter)
}

// founding is the operations that found the town.
func (t town) founding() []tx.Operation {
	operations := t.parties()
	for id := grid.MicrogridID(1); id <= t.microgrids; id++ {
		operations = append(operations, t.microgrid(id)...)
	}
	return append(operations, t.tariffs()...)
}

// parties is the operations that open the accounts of whom all homes deal with.
func (t town) parties() []tx.Operation {
	return []tx.Operation{
		party.OpenKind.Encode(party.Open{Account: utility}), party.OpenKind.Encode(party.Open{Account: network}), party.OpenKind.Encode(party.Open{Account: levy}),
	}
}

// microgrid is the operations that found one microgrid, apart from its tariff.
func (t town) microgrid(id grid.MicrogridID) []tx.Operation {
	operations := []tx.Operation{grid.FoundKind.Encode(grid.Found{
		Microgrid: id, Root: 1, Currency: euro, Gateway: 1, Utility: utility, Network: network, Levy: levy,
		Length: interval.Minutes15, Start: t.until, Grace: 3600, Correction: 24 * 3600,
	})}
	for z := grid.ZoneID(2); z < 2+zones; z++ {
		operations = append(operations, grid.AddZoneKind.Encode(grid.AddZone{Microgrid: id, Zone: z, Parent: 1}))
	}
	for m := uint64(1); m <= t.meters; m++ {
		home := t.home(id, m)
		operations = append(operations, party.OpenKind.Encode(party.Open{Account: home}),
			grid.ConnectKind.Encode(grid.Connect{Microgrid: id, Point: grid.PointID(m), Zone: grid.ZoneID(m%zones + 2), Account: home, From: t.until}),
			grid.EnrolKind.Encode(grid.Enrol{Microgrid: id, Device: grid.DeviceID(m), Point: grid.PointID(m), Kind: grid.Meter, From: t.until}))
	}
	return operations
}

// tariffs is the operations that set every microgrid's tariff from its next interval on.
func (t town) tariffs() []tx.Operation {
	var operations []tx.Operation
	for id := grid.MicrogridID(1); id <= t.microgrids; id++ {
		operations = append(operations, tariff.SetKind.Encode(tariff.Set{
			Microgrid: id, Steps: []tariff.Step{{From: t.until, Prices: tariff.Prices{Retail: 320, FeedIn: 80, Levy: 10}}},
		}))
	}
	return operations
}

// batch is how many readings an envelope carries.
const batch = 4000

// readings makes the operations of the next interval, each of one microgrid's readings.
func (t *town) readings() []tx.Operation {
	var operations []tx.Operation
	for id := grid.MicrogridID(1); id <= t.microgrids; id++ {
		for first := uint64(1); first <= t.meters; first += batch {
			var values []metering.Value
			for m := first; m < min(first+batch, t.meters+1); m++ {
				v := metering.Value{Device: grid.DeviceID(m), Quality: metering.Actual}
				if (m+uint64(t.until/quarterHour))%3 == 0 { //nolint:gosec // above zero
					v.Export = energy(200, m, 300)
				} else {
					v.Import = energy(100, m, 200)
				}
				values = append(values, v)
			}
			operations = append(operations, metering.RecordKind.Encode(metering.Record{
				Microgrid: id, Intervals: []metering.Readings{{Start: t.until, Values: values}},
			}))
		}
	}
	t.until += quarterHour
	return operations
}

// batches signs operations of readings for account 1, up to batch readings an envelope.
func (t *town) batches(operations []tx.Operation, nonce *uint64) [][]byte {
	each := int(max(batch/t.meters, 1)) //nolint:gosec // at most a batch
	var envelopes [][]byte
	for len(operations) > 0 {
		*nonce++
		k := min(len(operations), each)
		envelopes = append(envelopes, sign(1, *nonce, operations[:k]...))
		operations = operations[k:]
	}
	return envelopes
}

// meterKey is the key of a meter.
func meterKey(m uint64) ed25519.PrivateKey {
	var seed [ed25519.SeedSize]byte
	binary.BigEndian.PutUint64(seed[:], m)
	return ed25519.NewKeyFromSeed(seed[:])
}

// deliveryBatch is how many messages of devices an envelope carries.
const deliveryBatch = 2500

// deliveries makes the envelopes of the next interval of the first microgrid, whose
// meters sign, and the messages in them. A sequence is one more each time.
func (t *town) deliveries(keys []ed25519.PrivateKey, nonce *uint64, sequence uint64) (envelopes [][]byte, signed []tx.Signed, err error) {
	for first := uint64(1); first <= t.meters; first += deliveryBatch {
		o := device.Deliver{Microgrid: 1}
		for m := first; m < min(first+deliveryBatch, t.meters+1); m++ {
			raw, err := device.Sign(device.Message{
				Version: 1, Microgrid: 1, Device: grid.DeviceID(m), Epoch: 1, Sequence: sequence, Start: t.until, Duration: uint32(quarterHour),
				Import:  quantity.Energy(sequence * (100 + m%200)), //nolint:gosec // small
				Export:  quantity.Energy(sequence * (m % 3) * 90),  //nolint:gosec // small
				Quality: metering.Actual, Clock: device.Synchronised,
			}, chainID, keys[m])
			if err != nil {
				return nil, nil, err
			}
			s, err := device.Decode(raw, chainID)
			if err != nil {
				return nil, nil, err
			}
			o.Messages, signed = append(o.Messages, raw), append(signed, s)
		}
		*nonce++
		envelopes = append(envelopes, sign(1, *nonce, device.DeliverKind.Encode(o)))
	}
	t.until += quarterHour
	return envelopes, signed, nil
}

// enrolling is the operations that give every meter of the first microgrid its key;
// account 1 acts for the homes, which have no keys.
func (t town) enrolling(keys []ed25519.PrivateKey) []tx.Operation {
	var operations []tx.Operation
	for m := uint64(1); m <= t.meters; m++ {
		operations = append(operations, device.EnrolKeyKind.Encode(device.EnrolKey{
			Microgrid: 1, Device: grid.DeviceID(m), Key: keys[m].Public().(ed25519.PublicKey),
		}))
	}
	return operations
}
