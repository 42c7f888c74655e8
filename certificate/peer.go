package certificate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// registryID names another registry in a key: SHA-256 of its name, which for a ledger
// is its chain's id.
type registryID [sha256.Size]byte

func idOf(registry string) registryID { return sha256.Sum256([]byte(registry)) }

// AppendKey appends the hash.
func (r registryID) AppendKey(b []byte) []byte { return append(b, r[:]...) }

// ReadKey reads what AppendKey wrote.
func (registryID) ReadKey(b []byte) registryID { return registryID(b) }

// how says by what a registry is believed: one that has blocks is never believed by
// evidence, nor the other way round, so that nothing comes from it in two ways.
type how struct {
	Name     string `cbor:"1,keyasint"`
	Evidence bool   `cbor:"2,keyasint,omitempty"`
}

var registries = state.NewTable[registryID, how]("certificate.registry")

// believedBy notes by what a registry is believed, and reports whether it was not
// believed by something else before.
func believedBy(s state.Store, registry string, evidence bool) bool {
	k := idOf(registry)
	h, known := registries.Get(s, k)
	if !known {
		registries.Put(s, k, how{registry, evidence})
	}
	return !known || h.Evidence == evidence
}

// registryMax bounds the name of a registry: a chain's id is not longer.
const registryMax = tx.MaxChainID

// isRegistry reports whether a text may be a registry's name: one that cannot be
// spelled in two ways that look alike.
func isRegistry(text string) bool {
	return text != "" && len(text) <= registryMax && strings.Trim(text, "-.") == text &&
		strings.IndexFunc(text, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
		}) < 0
}

// peerAt is a peer of a microgrid: another ledger that its operator trusts; and a height
// of it.
type peerAt struct {
	Microgrid grid.MicrogridID
	Registry  registryID
	Height    int64
}

// AppendKey orders by microgrid, peer and height.
func (p peerAt) AppendKey(b []byte) []byte {
	return binary.BigEndian.AppendUint64(p.Registry.AppendKey(p.Microgrid.AppendKey(b)), uint64(p.Height)) //nolint:gosec // Not negative.
}

// ReadKey reads what AppendKey wrote.
func (peerAt) ReadKey(b []byte) peerAt {
	return peerAt{grid.MicrogridID(0).ReadKey(b), registryID{}.ReadKey(b[8:40]), int64(binary.BigEndian.Uint64(b[40:]))} //nolint:gosec // As it was.
}

// headers are the blocks of peers that are believed: the light clients of this ledger.
var headers = state.NewTable[peerAt, proof.Trust]("certificate.peer")

// headersMax bounds how many blocks of a peer are kept. A proof that was made before
// others that came first starts from one of them.
const headersMax = 16

// newest returns the newest block of a peer that is believed, at a height at most.
func newest(s state.Reader, id grid.MicrogridID, registry string, height int64) (t proof.Trust, ok bool) {
	k := peerAt{id, idOf(registry), 0}
	for _, t = range headers.Range(s, k, peerAt{id, k.Registry, height + 1}) {
		ok = true
	}
	return t, ok
}

// Peer returns the newest block of another ledger that a microgrid trusts, and whether
// it trusts any.
func Peer(s state.Reader, id grid.MicrogridID, registry string) (proof.Trust, bool) {
	return newest(s, id, registry, 1<<62)
}

// believe keeps a block of a peer, in place of the oldest one when there are too many.
func believe(s state.Store, id grid.MicrogridID, t proof.Trust) {
	first, last := peerAt{id, idOf(t.Chain), 0}, peerAt{id, idOf(t.Chain), 1 << 62}
	var oldest peerAt
	count := 0
	for k := range headers.Range(s, first, last) {
		if count == 0 {
			oldest = k
		}
		count++
	}
	k := peerAt{id, first.Registry, t.Height}
	if count >= headersMax && !headers.Has(s, k) {
		if k.Height < oldest.Height {
			return
		}
		headers.Delete(s, oldest)
	}
	headers.Put(s, k, t)
}

// stale reports whether a block is too old to be believed.
func stale(t proof.Trust, now interval.Time) bool {
	return int64(now-t.Header.Seconds()) >= cmp.Or(t.Period, proof.PeriodDefault)
}

// proofMax bounds a bundle that an operation carries: it is verified by every node.
const proofMax = 64 << 10

// checkProof refuses bytes that are no bundle of proofs, before anything is looked up.
func checkProof(raw []byte, no *op.Refusal) *op.Refusal {
	if len(raw) == 0 || len(raw) > proofMax {
		return no
	}
	return nil
}

// shown is a row of a peer, or that there is none, as of a moment.
type shown struct {
	row     []byte
	present bool
	at      interval.Time // Of the header: no block before it, and none of an earlier time, made another.
}

// show verifies a bundle of a microgrid's peer, and returns the row that it shows at a
// key. The block that it was proven with is believed from then on.
func show(s state.Store, id grid.MicrogridID, registry string, raw, key []byte, now interval.Time) (shown, bool) {
	b, err := proof.Decode(raw)
	if err != nil || b.Chain != registry {
		return shown{}, false
	}
	trust, ok := newest(s, id, registry, b.Block.Header.Height)
	if !ok {
		return shown{}, false
	}
	v, err := b.Verify(trust, now)
	if err != nil {
		return shown{}, false
	}
	for _, r := range v.Rows {
		if bytes.Equal(r.Key, key) {
			believe(s, id, v.Trust)
			return shown{r.Row, r.Present, v.Time}, true
		}
	}
	return shown{}, false
}
