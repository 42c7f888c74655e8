package faults

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"sync"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/tx"
)

// The accounts and numbers of the town. Member n has account firstMember + n, point
// n + 1 and the meter n + 1; the first solarHomes have panels, too, whose device is
// solar + n. The meters from firstSigning on sign for themselves.
const (
	chainID = "faults-1"

	operator tx.AccountID = iota
	utility
	wires
	levy
	firstMember

	members      = 6
	solarHomes   = 3
	firstSigning = 4

	microgrid grid.MicrogridID = 10
	root      grid.ZoneID      = 20
	feeder    grid.ZoneID      = 21
	euro      ledger.AssetID   = 978 // ISO 4217.
	solar     grid.DeviceID    = 100

	length     = interval.Minutes5
	grace      = 120
	correction = 600
	backlog    = 6 // Intervals before the begin whose readings come during the run.
)

// epochs are when a run begins, in seconds since 1970: shortly before the end of an
// interval; before the hour that comes twice in Berlin, before the one that does not
// come, and on any day.
var epochs = []int64{
	1792889940, // 2026-10-25 00:59:00 UTC
	1774745940, // 2026-03-29 00:59:00 UTC
	1795694100, // 2026-11-26 11:55:00 UTC
}

// town is what the machines settle: who there is, and the genesis that says so.
type town struct {
	run      *run
	begin    int64 // Seconds since 1970.
	electors electors
	raw      []byte
}

func newTown(r *run) *town { return &town{run: r, begin: epochs[r.plan.IntN(len(epochs))]} }

// epoch is when the run begins, in µs since 1970.
func (t *town) epoch() int64 { return t.begin * int64(second) }

func (t *town) genesisTime() int64 { return t.epoch() }

// first is the first interval that is settled.
func (t *town) first() interval.Time {
	return length.Containing(interval.Time(t.begin)).Start - backlog*interval.Time(length)
}

// clock is the true time, in seconds since 1970.
func (t *town) clock() interval.Time {
	return interval.Time(t.begin) + interval.Time(int64(t.run.now)/int64(second))
}

// found gives the town its validators, the first of the machines.
func (t *town) found(founders int) {
	var list []elector
	g := machine.Genesis{Council: []tx.AccountID{operator, firstMember, firstMember + 1}}
	for a := operator; a < firstMember+members; a++ {
		g.Accounts = append(g.Accounts, machine.Founder{Account: a, Keys: []party.Credential{{Key: publicKey(uint64(a)), Role: party.Owner}}})
	}
	for _, v := range t.run.nodes[:founders] {
		list = append(list, elector{Key: v.key, Power: 1})
		g.Validators = append(g.Validators, governance.Validator{PublicKey: v.key[:], Power: 1})
	}
	t.electors = electors{lax: t.run.options.Broken.HalfIsMost}.with(list)
	t.raw = g.Encode()
}

func (t *town) genesis() []byte { return t.raw }

var keys sync.Map // Of secret keys by number: made once for all runs.

// secretKey is the Ed25519 key of a number: an account's, a meter's, a validator's.
func secretKey(n uint64) ed25519.PrivateKey {
	if k, ok := keys.Load(n); ok {
		return k.(ed25519.PrivateKey)
	}
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("faults"), n))
	k := ed25519.NewKeyFromSeed(seed[:])
	keys.Store(n, k)
	return k
}

func publicKey(n uint64) tx.Key {
	return tx.Ed25519Key(secretKey(n).Public().(ed25519.PublicKey))
}

// Numbers of keys that are not accounts'.
const (
	validatorKeys = 1 << 32
	meterKeys     = 2 << 32
	otherKeys     = 3 << 32
)

func meterKey(n int) uint64 { return meterKeys + uint64(n) } //nolint:gosec // few

// member is the account of the nth member, meter its meter and panels its panels.
func member(n int) tx.AccountID           { return firstMember + tx.AccountID(n) } //nolint:gosec // few
func meter(n int) grid.DeviceID           { return grid.DeviceID(n + 1) }          //nolint:gosec // few
func panels(n int) grid.DeviceID          { return solar + grid.DeviceID(n) }      //nolint:gosec // few
func anyMember(r *rand.Rand) tx.AccountID { return member(r.IntN(members)) }
