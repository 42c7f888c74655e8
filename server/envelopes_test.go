package server

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// signer is somebody with an account and a key of their own.
type signer struct {
	town    *town
	account tx.AccountID
	key     ed25519.PrivateKey
	nonce   uint64
}

// newSigner opens an account.
func (w *town) newSigner(t *testing.T, account tx.AccountID) *signer {
	t.Helper()
	s := &signer{town: w, account: account, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(account)}, ed25519.SeedSize))}
	if err := w.operator.Submit(t.Context(), []tx.Operation{party.OpenKind.Encode(party.Open{Account: account, Keys: s.keys(s.key)})}); err != nil {
		t.Fatal(err)
	}
	return s
}

// keys are the credentials of a key.
func (s *signer) keys(k ed25519.PrivateKey) []party.Credential {
	return []party.Credential{{Key: tx.Ed25519Key(k.Public().(ed25519.PublicKey)), Role: party.Owner}}
}

// adds is an envelope that adds another key to an account.
func (s *signer) adds(to tx.AccountID, another byte) []byte {
	s.nonce++
	b := tx.Body{Account: s.account, Nonce: s.nonce, Expiry: 1 << 40}
	s.town.node.Read(func(_ state.Reader, head machine.Head) { b.Chain = head.ChainID })
	k := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{another}, ed25519.SeedSize))
	b.Operations = []tx.Operation{party.RotateKind.Encode(party.Rotate{Account: to, Add: s.keys(k)})}
	return tx.SignEd25519(b.Encode(), s.key)
}

// submit sends an envelope in one of its two forms.
func (s *Server) submit(raw []byte, query, kind string) *httptest.ResponseRecorder {
	if kind == "application/json" {
		raw, _ = json.Marshal(map[string][]byte{"envelope": raw}) // In base64, as encoding/json does.
	}
	q := httptest.NewRequest(http.MethodPost, "/api/v1/envelopes"+query, bytes.NewReader(raw))
	q.Header.Set("Content-Type", kind)
	return s.ask(q)
}

// What is tried sends nothing; what is taken has receipts, which its signer reads
// and others see sealed; what is sent again is refused; and a refusal says why.
func TestEnvelopes(t *testing.T) {
	w := sharedTown(t)
	s := w.newSigner(t, 8_000_000_021)
	raw, height := s.adds(s.account, 22), w.node.Height()
	tried := into[api.Taken](t, w.server.submit(raw, "?dry_run=true", "application/cbor"))
	if !tried.DryRun || tried.Code != 0 || tried.Receipts != 0 || w.node.Height() != height {
		t.Errorf("tried: %+v, and the ledger went from %d to %d", tried, height, w.node.Height())
	}
	if answer := w.server.get(role{}, "/api/v1/envelopes/"+tried.ID); answer.Code != http.StatusNotFound {
		t.Errorf("what was tried is on the ledger: %d", answer.Code)
	}
	taken := into[api.Taken](t, w.server.submit(raw, "", "application/cbor"))
	if taken.DryRun || taken.ID != tried.ID || taken.Code != 0 || taken.Receipts != 1 {
		t.Errorf("taken: %+v", taken)
	}
	if err := w.node.Seen(t.Context(), w.node.Height()); err != nil {
		t.Fatal(err)
	}
	w.checkSeen(t, s, taken.ID)
	for _, kind := range []string{"application/cbor", "application/json"} {
		again := w.server.submit(raw, "", kind)
		if checkProblem(t, "again", again, http.StatusUnprocessableEntity, "/api/v1/envelopes"); !strings.Contains(again.Body.String(), "the nonce was used") {
			t.Errorf("again, as %s: %s", kind, again.Body)
		}
	}
	wrapped := into[api.Taken](t, w.server.submit(s.adds(s.account, 23), "", "application/json"))
	if wrapped.Code != 0 || wrapped.Receipts != 1 {
		t.Errorf("as JSON: %+v", wrapped)
	}
}

// checkSeen checks that an envelope's receipts are its signer's to read.
func (w *town) checkSeen(t *testing.T, s *signer, id string) {
	t.Helper()
	p := w.member("Abernathy")
	p.ID, p.Account = "signer", uint64(s.account)
	token, err := w.people.Begin(p)
	if err != nil {
		t.Fatal(err)
	}
	own := into[pages.Envelope](t, w.server.get(role{cookie: token}, "/api/v1/envelopes/"+id))
	if own.Account != s.account || own.Scheme != "ed25519" || len(own.Operations) != 1 || own.Operations[0].Fields == nil || own.Facts[0].Sealed {
		t.Errorf("its signer reads %+v", own)
	}
	for _, other := range []string{"b", "operator", "auditor", "visitor"} {
		e := into[pages.Envelope](t, w.server.get(w.role(t, other), "/api/v1/envelopes/"+id))
		if len(e.Facts) != 1 || !e.Facts[0].Sealed || e.Facts[0].Body != "" || e.Operations[0].Fields != nil || e.Facts[0].Leaf != own.Facts[0].Leaf {
			t.Errorf("%s reads %+v", other, e)
		}
	}
}

// What is refused before it is sent says so; what is refused by its block says which
// operation it was and why.
func TestRefusedEnvelopes(t *testing.T) {
	w := sharedTown(t)
	s := w.newSigner(t, 8_000_000_031)
	forged := s.adds(s.account, 32)
	forged[len(forged)-1] ^= 1
	stranger := &signer{town: w, account: 8_000_000_039, key: s.key}
	for what, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"no envelope": {[]byte("hello"), "this is no envelope"}, "nothing": {nil, ""},
		"a forged signature": {forged, "signature"}, "nobody's": {stranger.adds(stranger.account, 33), "account"},
	} {
		for _, query := range []string{"", "?dry_run=true"} {
			if err := w.node.Rest(t.Context()); err != nil { // An empty block may follow the last one.
				t.Fatal(err)
			}
			height := w.node.Height()
			no := w.server.submit(c.raw, query, "application/cbor")
			if no.Code/100 != 4 || !strings.Contains(no.Body.String(), c.says) || what != "nothing" && !strings.Contains(no.Body.String(), "nothing was sent") || w.node.Height() != height {
				t.Errorf("%s%s: %d %s", what, query, no.Code, no.Body)
			}
		}
	}
	refused := into[api.Taken](t, w.server.submit(s.adds(s.account, byte(s.account)), "", "application/cbor"))
	if refused.Code == 0 || !strings.Contains(refused.Refusal, "the account's already") {
		t.Errorf("refused: %+v", refused) // Its one receipt says that it was.
	}
	for text, says := range map[string]string{`{"envelope":"%%"}`: "base64", `{"envelope":`: "JSON", `[]`: "JSON"} {
		q := httptest.NewRequest(http.MethodPost, "/api/v1/envelopes", strings.NewReader(text))
		q.Header.Set("Content-Type", "application/json")
		if no := w.server.ask(q); no.Code != http.StatusBadRequest || !strings.Contains(no.Body.String(), says) {
			t.Errorf("%s: %d %s", text, no.Code, no.Body)
		}
	}
}
