package live

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Network is who decides on a ledger, and how it goes.
type Network struct {
	Chain      string          `json:"chain"`
	Height     int64           `json:"height"`
	Account    tx.AccountID    `json:"account,string"` // Of the organisation whose folder this is.
	Validators []NetworkMember `json:"validators"`
	Council    []NetworkSeat   `json:"council"`
	Proposals  []NetworkVote   `json:"proposals"`
	Peers      int             `json:"peers"`              // Nodes that are connected.
	CatchingUp bool            `json:"catching_up"`        // The node still fetches blocks.
	Standing   *node.Standing  `json:"standing,omitempty"` // Beside the others; absent: the node does not run.

	Signer *chain.Signer `json:"signer,omitempty"` // Of the node's validator; absent: its folder has the key.
}

// NetworkMember is a validator.
type NetworkMember struct {
	Validator string `json:"validator"` // Its key, in hex.
	Power     int64  `json:"power"`
	Name      string `json:"organisation,omitempty"` // Empty: this node was not told.
	Own       bool   `json:"own"`                    // It is this node.
	Connected bool   `json:"connected"`
	Signs     bool   `json:"signs"` // It signed one of the last blocks.
}

// Seen reports whether there is a sign of life of the validator.
func (m NetworkMember) Seen() bool { return m.Own || m.Connected || m.Signs }

// NetworkSeat is a seat in the council.
type NetworkSeat struct {
	Account tx.AccountID `json:"account,string"`
	Name    string       `json:"organisation,omitempty"`
}

// NetworkVote is an open proposal of the council.
type NetworkVote struct {
	Proposal governance.ProposalID `json:"proposal"`
	Change   governance.Change     `json:"change"`
	Says     string                `json:"says"`
	Yes      uint64                `json:"yes"`
	No       uint64                `json:"no"`
	All      uint64                `json:"all"` // Who may vote.
	Until    interval.Time         `json:"until"`
}

// Quorum reports whether more than two thirds of the voting power are seen, which the
// chain needs to go on.
func (n Network) Quorum() bool {
	var all, seen int64
	for _, m := range n.Validators {
		all += m.Power
		if m.Seen() {
			seen += m.Power
		}
	}
	return 3*seen > 2*all
}

// signedLately is in how many of the last blocks a validator's signature is looked
// for: one that was late for a block is in the next.
const signedLately = 3

// network is who decides, as the running node sees it.
func (l *Live) network(known []node.Organisation) (n Network, err error) {
	l.Node.Read(func(rows state.Reader, head machine.Head) { n = NetworkOf(rows, head, known) })
	n.Account, n.Peers, n.CatchingUp = l.voice().Account(), len(l.Node.Peers()), l.Node.CatchingUp()
	n.Signer = l.Node.Signer()
	standing, err := l.Node.Standing()
	if err != nil {
		return n, err
	}
	n.Standing = &standing
	return n, l.sights(n.Validators, known)
}

// sights looks for a sign of life of validators.
func (l *Live) sights(validators []NetworkMember, known []node.Organisation) error {
	self, err := node.Identity(l.Dir)
	if err != nil {
		return err
	}
	connected, signs := map[string]bool{}, l.signs()
	for _, p := range l.Node.Peers() {
		connected[p.Node] = true
	}
	for i := range validators {
		m := &validators[i]
		o, _ := organisationOf(known, m.Validator)
		m.Name, m.Own = o.Name, m.Validator == hex.EncodeToString(self.Validator)
		m.Connected, m.Signs = connected[o.ID()], signs[m.Validator]
	}
	return nil
}

// signs are the validators that signed one of the last blocks.
func (l *Live) signs() map[string]bool {
	signs, headers, height := map[string]bool{}, l.Node.Headers(), l.Node.Height()
	for at := height; at > max(height-signedLately, 0); at-- {
		b, err := headers.At(at)
		if err != nil {
			break // It is not kept any more.
		}
		for _, s := range b.Signatures {
			signs[hex.EncodeToString(b.Validators[s.Validator].Key[:])] = true
		}
	}
	return signs
}

// NetworkOf is what the rows say of who decides, with the names that are known.
func NetworkOf(rows state.Reader, head machine.Head, known []node.Organisation) Network {
	n := Network{
		Chain: head.ChainID, Height: head.Height,
		Validators: []NetworkMember{}, Council: []NetworkSeat{}, Proposals: []NetworkVote{},
	}
	for key, power := range governance.Powers(rows) {
		m := NetworkMember{Validator: hex.EncodeToString(key[:]), Power: power}
		o, _ := organisationOf(known, m.Validator)
		m.Name = o.Name
		n.Validators = append(n.Validators, m)
	}
	for _, account := range governance.Council(rows) {
		n.Council = append(n.Council, NetworkSeat{account, nameOf(known, account)})
	}
	for id, p := range governance.Open(rows) {
		if p.Microgrid != 0 || p.Until <= head.Time {
			continue
		}
		t := governance.Count(rows, id, p)
		n.Proposals = append(n.Proposals, NetworkVote{id, p.Change, saysChange(p.Change, known), t.Yes, t.No, t.All, p.Until})
	}
	return n
}

// organisationOf is the organisation that a validator belongs to, as far as is known.
func organisationOf(known []node.Organisation, validator string) (node.Organisation, bool) {
	i := slices.IndexFunc(known, func(o node.Organisation) bool { return hex.EncodeToString(o.Validator) == validator })
	if i < 0 {
		return node.Organisation{}, false
	}
	return known[i], true
}

// nameOf is what the organisation with an account is called, or empty.
func nameOf(known []node.Organisation, account tx.AccountID) string {
	i := slices.IndexFunc(known, func(o node.Organisation) bool { return o.Account == account })
	if i < 0 {
		return ""
	}
	return known[i].Name
}

// ShortKey is as much of a key in hex as people compare.
func ShortKey(key string) string { return fmt.Sprintf("%.12s", key) }

// saysChange puts a change into words.
func saysChange(c governance.Change, known []node.Organisation) string {
	switch {
	case c.Validator != nil:
		key := hex.EncodeToString(c.Validator.PublicKey)
		who := "validator " + ShortKey(key)
		if o, ok := organisationOf(known, key); ok {
			who += " of " + o.Name
		}
		if c.Validator.Power == 0 {
			return who + " is removed"
		}
		return fmt.Sprintf("%s has power %d", who, c.Validator.Power)
	case c.Seating != nil:
		who := nameOf(known, c.Seating.Account)
		if who == "" {
			who = fmt.Sprintf("account %d", c.Seating.Account)
		}
		if c.Seating.Seated {
			return who + " has a seat in the council"
		}
		return who + " leaves the council"
	}
	if u := c.Upgrade; u != nil {
		return fmt.Sprintf("rules %d hold from block %d on", u.Rules, u.Height)
	}
	text, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Sprintf("live: a change: %v", err)) // It was read from the ledger.
	}
	return string(text)
}

// networkAnswers serves what commands ask about the network.
func (l *Live) networkAnswers(mux *http.ServeMux) {
	mux.HandleFunc("GET /invitation", func(w http.ResponseWriter, _ *http.Request) {
		i, err := l.Node.Invitation()
		if errors.Is(err, node.ErrOffline) {
			err = &api.Unfit{Text: "this node runs without a network: write listen = \"HOST:PORT\" into " + node.SettingsFile + " and start it again"}
		}
		tell(w, i, err)
	})
	mux.HandleFunc("GET /network", func(w http.ResponseWriter, _ *http.Request) {
		known, err := node.LoadOrganisations(l.Dir)
		var n Network
		if err == nil {
			n, err = l.network(known)
		}
		tell(w, n, err)
	})
}

// networkObeys serves requests to vote.
func (l *Live) networkObeys(life context.Context, mux *http.ServeMux) {
	mux.HandleFunc("POST /vote", func(w http.ResponseWriter, r *http.Request) {
		var ask ToDecide
		var d Decision
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyMax)).Decode(&ask)
		if err == nil {
			err = l.between(life, func(ctx context.Context) (err error) {
				d, err = l.decide(ctx, ask)
				return err
			})
		}
		if refusedByLedger(err) {
			err = &api.Unfit{Text: err.Error()} // It was tried first.
		}
		tell(w, d, err)
	})
}

// Invitation asks for an invitation to the node's network.
//
// Errors: *BadError.
func (c *Client) Invitation(ctx context.Context) (i node.Invitation, err error) {
	return i, c.ask(ctx, http.MethodGet, "/invitation", nil, &i)
}

// Network asks who decides.
func (c *Client) Network(ctx context.Context) (n Network, err error) {
	return n, c.ask(ctx, http.MethodGet, "/network", nil, &n)
}

// Decide has the node's organisation propose and vote.
//
// Errors: *BadError.
func (c *Client) Decide(ctx context.Context, ask ToDecide) (d Decision, err error) {
	text, err := json.Marshal(ask)
	if err != nil {
		return d, err
	}
	return d, c.ask(ctx, http.MethodPost, "/vote", text, &d)
}
