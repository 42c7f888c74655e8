package node_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Hostile envelopes of the default run; COMMONWATT_HOSTILE asks for more.
const (
	hostileDefault  = 20_000
	hostileAccounts = 4
	hostileUnderway = 4096
)

// A million envelopes that are malformed, forged, replayed, for another chain or
// expired change nothing: none is admitted, no block is made of them, and the node goes
// on with what is good.
func TestHostileEnvelopes(t *testing.T) {
	count := hostileDefault
	if text := os.Getenv("COMMONWATT_HOSTILE"); text != "" {
		count, _ = strconv.Atoi(text)
	} else if testing.Short() {
		count = 2000
	}
	n, _ := start(t, hostileAccounts)
	defer n.Close()
	fund(t, n, hostileAccounts)
	seed := uint64(time.Now().UnixNano())
	h := hostile{random: rand.New(rand.NewPCG(seed, 0)), refused: map[string]int{}}
	for nonce := range uint64(64) {
		raw := transfer(2, 3, nonce+2, 1)
		accept(t, n, raw)
		h.committed = append(h.committed, raw)
	}
	if err := n.Rest(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := headOf(n)
	h.sendAll(t, n, count)
	if after := headOf(n); after.Height != before.Height || !bytes.Equal(after.AppHash(), before.AppHash()) {
		t.Errorf("hostile envelopes took the ledger from height %d to %d", before.Height, after.Height)
	}
	h.duplicates(t, n)
	t.Logf("seed %d, %d hostile envelopes, 0 admitted: %v", seed, count, h.refused)
}

// hostile makes envelopes that no ledger may apply, out of good ones.
type hostile struct {
	random    *rand.Rand
	committed [][]byte
	nonce     uint64
	refused   map[string]int // By kind.
}

// next returns an envelope and what is wrong with it. why is the refusal that it must
// meet; nil stands for any.
func (h *hostile) next() (raw []byte, kind string, why error) {
	h.nonce++
	body := tx.Body{Chain: testChain, Account: 1, Nonce: 1000 + h.nonce%8, Expiry: 1 << 40, Operations: []tx.Operation{
		ledger.TransferKind.Encode(ledger.Transfer{Asset: euro, To: 2, Amount: 1}),
	}}
	switch h.random.IntN(7) {
	case 0:
		return h.committed[h.random.IntN(len(h.committed))], "replayed", party.ErrNonceUsed
	case 1:
		body.Chain = "tset"
		return tx.SignEd25519(body.Encode(), keyOf(1)), "for another chain", machine.ErrChain
	case 2:
		body.Expiry = uint64(h.random.IntN(3))
		return tx.SignEd25519(body.Encode(), keyOf(1)), "expired", machine.ErrExpired
	case 3:
		return tx.SignEd25519(body.Encode(), keyOf(2)), "by another's key", machine.ErrNotKey
	case 4:
		raw = tx.SignEd25519(body.Encode(), keyOf(1))
		raw[len(raw)-1-h.random.IntN(64)] ^= 1 << h.random.IntN(8)
		return raw, "forged", tx.ErrSignature
	case 5:
		raw = tx.SignEd25519(body.Encode(), keyOf(1))
		return raw[:h.random.IntN(len(raw))], "cut off", nil
	}
	good := tx.SignEd25519(body.Encode(), keyOf(1))
	for raw = bytes.Clone(good); bytes.Equal(raw, good); {
		for range 1 + h.random.IntN(4) {
			raw[h.random.IntN(len(raw))] += byte(1 + h.random.IntN(255))
		}
	}
	return raw, "garbled", nil
}

// sent is an envelope on its way.
type sent struct {
	ticket *node.Ticket
	kind   string
	why    error
}

// sendAll sends many, several thousand at once, and expects each to be refused.
func (h *hostile) sendAll(t *testing.T, n *node.Node, count int) {
	t.Helper()
	var underway []sent
	for i := range count {
		raw, kind, why := h.next()
		ticket, err := n.Send(context.Background(), raw)
		if err != nil {
			h.mustRefuse(t, kind, why, err)
		} else {
			underway = append(underway, sent{ticket, kind, why})
		}
		if len(underway) < hostileUnderway && i < count-1 {
			continue
		}
		for _, s := range underway {
			_, err := s.ticket.Wait(context.Background())
			h.mustRefuse(t, s.kind, s.why, err)
		}
		underway = underway[:0]
	}
}

// mustRefuse expects a refusal, and before a block held the envelope.
func (h *hostile) mustRefuse(t *testing.T, kind string, why, err error) {
	t.Helper()
	_, ofLedger := errors.AsType[*op.Refusal](err)
	_, ofEnvelope := errors.AsType[tx.Refusal](err)
	if !ofLedger && !ofEnvelope || why != nil && !errors.Is(err, why) {
		t.Fatalf("an envelope that is %s is answered %v, want %v", kind, err, why)
	}
	h.refused[kind]++
}

// duplicates sends good envelopes several times at once: each is applied once.
func (h *hostile) duplicates(t *testing.T, n *node.Node) {
	t.Helper()
	const envelopes, times = 200, 5
	before := balance(n, 4)
	var tickets []*node.Ticket
	for nonce := range uint64(envelopes) {
		raw := transfer(3, 4, nonce+2, 1)
		for range times {
			ticket, err := n.Send(context.Background(), raw)
			if err != nil {
				t.Fatal(err)
			}
			tickets = append(tickets, ticket)
		}
	}
	for _, ticket := range tickets {
		if o, err := ticket.Wait(context.Background()); err == nil && o.Code != 0 && o.Code != party.ErrNonceUsed.Code || err != nil && !errors.Is(err, party.ErrNonceUsed) {
			t.Fatal(o.Code, err)
		}
	}
	if moved := balance(n, 4) - before; moved != envelopes {
		t.Errorf("%d envelopes sent %d times each moved %d", envelopes, times, moved)
	}
}

func balance(n *node.Node, account tx.AccountID) (posted int64) {
	n.Read(func(rows state.Reader, _ machine.Head) { posted = int64(ledger.BalanceOf(rows, account, euro).Posted) })
	return posted
}
