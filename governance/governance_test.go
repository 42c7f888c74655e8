package governance

import (
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/tx"
)

// The accounts of these tests. Homes 31 to 33 are ann's, bob's and cat's, 34 is
// ann's, too, and 35 is dan's, who has no key.
const (
	operator tx.AccountID = 1 + iota
	utility
	network
	levy
	ann
	bob
	cat
	dan

	town grid.MicrogridID = 10
	euro ledger.AssetID   = 978 // ISO 4217.

	hour  = interval.Time(interval.Minutes60)
	start = 27 * hour
	until = 200_000 // The world's clock stands at 100,000 s.
)

// world is where proposals are made and voted on.
type world struct{ *optest.World }

// founded is a world with a council of operator and ann, and a town.
func founded(t testing.TB) world {
	t.Helper()
	w := optest.NewWorld(t, party.Ops, ledger.Ops, grid.Ops, market.Ops, Ops)
	for _, a := range []tx.AccountID{operator, utility, network, levy, ann, bob, cat} {
		key := tx.EIP712Key([20]byte{byte(a)})
		if no := party.Genesis(w, a, []party.Credential{{Key: key, Role: party.Owner}}); no != nil {
			t.Fatal(no)
		}
	}
	w.Must(t, operator,
		party.OpenKind.Encode(party.Open{Account: dan}),
		ledger.DefineKind.Encode(ledger.Define{Asset: euro, Symbol: "EUR", Decimals: 6}),
		grid.FoundKind.Encode(grid.Found{
			Microgrid: town, Root: 20, Currency: euro, Gateway: operator, Utility: utility, Network: network, Levy: levy,
			Length: interval.Minutes60, Start: start,
		}))
	for n, account := range []tx.AccountID{ann, bob, cat, ann, dan} {
		w.Must(t, operator, grid.ConnectKind.Encode(grid.Connect{
			Microgrid: town, Point: grid.PointID(31 + n), Zone: 20, Account: account, From: start,
		}))
	}
	Seat(w, operator)
	Seat(w, ann)
	Empower(w, validator(1, 10))
	w.Keep()
	return world{w}
}

func validator(name byte, power int64) Validator {
	return Validator{PublicKey: append([]byte{name}, make([]byte, 31)...), Power: power}
}

// powerTo returns the change of a validator's power.
func powerTo(v Validator) Change { return Change{Validator: &v} }

func seating(a tx.AccountID, seated bool) Change { return Change{Seating: &Seating{a, seated}} }

var payAsBid = Change{Rules: &market.Rules{Mode: auction.PayAsBid}}

// propose puts a change to the vote of the town, or of the council.
func (w world) propose(t testing.TB, signer tx.AccountID, id ProposalID, c Change) {
	t.Helper()
	body := town
	if c.Validator != nil || c.Seating != nil || c.Upgrade != nil {
		body = 0
	}
	w.Must(t, signer, ProposeKind.Encode(Propose{id, body, c, until}))
}

// vote casts a vote and returns what was decided, if anything.
func (w world) vote(t testing.TB, signer tx.AccountID, id ProposalID, yes bool) string {
	t.Helper()
	for _, r := range w.Must(t, signer, VoteKind.Encode(Vote{id, yes})) {
		if r.Kind != DecidedReceipt.Kind {
			continue
		}
		if DecidedReceipt.Read(r).Adopted {
			return "adopted"
		}
		return "rejected"
	}
	return "open"
}

func TestProposePrecedence(t *testing.T) {
	optest.Precedence(t, founded(t).World, ann, ProposeKind, Propose{1, town, payAsBid, until}, []optest.Broken[Propose]{
		{ErrProposalAccount, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change = Change{Operator: 99} }},
		{ErrProposalUntil, func(w *optest.World, _ *tx.AccountID, o *Propose) { o.Until = w.Ctx.Time }},
		{ErrProposalVoter, func(_ *optest.World, signer *tx.AccountID, _ *Propose) { *signer = operator }},
		{ErrProposalGrid, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Microgrid++ }},
		{ErrProposalTaken, func(w *optest.World, _ *tx.AccountID, _ *Propose) { world{w}.propose(t, ann, 1, payAsBid) }},
		{market.ErrMode, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change = Change{Rules: &market.Rules{Mode: 9}} }},
		{ErrWrongBody, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Microgrid = 0 }},
		{ErrOneChange, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change.Operator = ann }},
		{ErrOneChange, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change = Change{} }},
		{ErrNoProposal, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Proposal = 0 }},
	})
	optest.Precedence(t, founded(t).World, ann, ProposeKind, Propose{1, 0, powerTo(validator(2, MaxPower)), until}, []optest.Broken[Propose]{
		{ErrLastValidator, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change.Validator.Power = 0 }}, // Not known.
		{ErrLastValidator, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change = powerTo(validator(1, 0)) }},
		{ErrLastSeat, func(w *optest.World, _ *tx.AccountID, o *Propose) {
			council.Delete(w, operator)
			o.Change = seating(ann, false)
		}},
		{ErrProposalAccount, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change = seating(99, true) }},
		{ErrValidator, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change = powerTo(validator(2, MaxPower+1)) }},
		{ErrValidator, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change = powerTo(validator(2, -1)) }},
		{ErrValidator, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change.Validator.PublicKey = make([]byte, 33) }},
		{ErrWrongBody, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Microgrid = town }},
	})
	optest.Precedence(t, founded(t).World, ann, ProposeKind, Propose{1, 0, upgradeTo(2, 10), until}, []optest.Broken[Propose]{
		{ErrUpgradeHeight, func(w *optest.World, _ *tx.AccountID, _ *Propose) { w.Ctx.Height = 10 }},
		{ErrUpgradeRules, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change.Upgrade.Rules = 0 }},
		{ErrUpgradeRules, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change.Upgrade.Rules = 1 }},
		{ErrProposalUntil, func(w *optest.World, _ *tx.AccountID, o *Propose) { o.Until = w.Ctx.Time }},
		{ErrProposalVoter, func(_ *optest.World, signer *tx.AccountID, _ *Propose) { *signer = bob }},
		{ErrWrongBody, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Microgrid = town }},
		{ErrOneChange, func(_ *optest.World, _ *tx.AccountID, o *Propose) { o.Change.Operator = ann }},
	})
}

func TestVotePrecedence(t *testing.T) {
	w := founded(t)
	w.propose(t, ann, 1, payAsBid)
	optest.Precedence(t, w.World, bob, VoteKind, Vote{1, true}, []optest.Broken[Vote]{
		{ErrVoteVoter, func(_ *optest.World, signer *tx.AccountID, _ *Vote) { *signer = dan }},
		{ErrVoteOver, func(w *optest.World, _ *tx.AccountID, _ *Vote) { w.Ctx.Time = until }},
		{ErrVoteProposal, func(_ *optest.World, _ *tx.AccountID, o *Vote) { o.Proposal++ }},
	})
}

// TestMajority plays votes out: of ann, bob and cat two decide. Ann's two homes
// are one voice, and dan's is none.
func TestMajority(t *testing.T) {
	type cast struct {
		who  tx.AccountID
		yes  bool
		want string
	}
	for what, votes := range map[string][]cast{
		"two of three adopt":               {{ann, true, "open"}, {bob, true, "adopted"}},
		"two of three reject":              {{ann, false, "open"}, {cat, true, "open"}, {bob, false, "rejected"}},
		"a voice counts once":              {{ann, true, "open"}, {ann, true, "open"}, {cat, true, "adopted"}},
		"a later vote replaces an earlier": {{ann, true, "open"}, {ann, false, "open"}, {bob, true, "open"}, {ann, true, "adopted"}},
	} {
		t.Run(what, func(t *testing.T) {
			w := founded(t)
			w.propose(t, cat, 1, payAsBid)
			last := ""
			for _, c := range votes {
				if last = w.vote(t, c.who, 1, c.yes); last != c.want {
					t.Errorf("after the vote of %d it is %s, want %s", c.who, last, c.want)
				}
			}
			if adopted := market.RulesAt(w, town, start) == *payAsBid.Rules; adopted != (last == "adopted") {
				t.Errorf("the rules are %v", market.RulesAt(w, town, start))
			}
			for range votesOf(w) {
				t.Error("a vote is left of a proposal that ended")
			}
			w.propose(t, cat, 1, payAsBid) // The number is free again.
		})
	}
}

func votesOf(w world) func(func(ballot, vote) bool) { return votes.All(w) }

// TestElectorateChanges counts those who may vote when a vote is cast.
func TestElectorateChanges(t *testing.T) {
	w := founded(t)
	w.propose(t, ann, 1, Change{Operator: ann})
	if got := w.vote(t, ann, 1, true); got != "open" {
		t.Errorf("one of three: %s", got)
	}
	// Cat moves out, ann moves out of one of her homes, dan takes a key.
	for _, p := range []grid.PointID{33, 34} {
		w.Must(t, operator, grid.DisconnectKind.Encode(grid.Disconnect{Microgrid: town, Point: p, Until: start + hour}))
	}
	w.Must(t, operator, party.RotateKind.Encode(party.Rotate{
		Account: dan, Add: []party.Credential{{Key: tx.EIP712Key([20]byte{99}), Role: party.Owner}},
	}))
	if _, err := w.Try(cat, VoteKind.Encode(Vote{1, true})); err != ErrVoteVoter { //nolint:errorlint // This very refusal.
		t.Errorf("who moved out: %v, want %v", err, ErrVoteVoter)
	}
	if got := w.vote(t, bob, 1, false); got != "open" {
		t.Errorf("one of three against one: %s", got)
	}
	if got := w.vote(t, dan, 1, true); got != "adopted" {
		t.Errorf("two of three: %s", got)
	}
	if m, _ := grid.At(w, town); m.Operator != ann {
		t.Errorf("the operator is %d, want %d", m.Operator, ann)
	}
}

// TestCouncil seats and unseats; an even council needs more than half.
func TestCouncil(t *testing.T) {
	w := founded(t)
	w.propose(t, ann, 9, seating(bob, true))
	w.vote(t, ann, 9, true)
	if got := w.vote(t, operator, 9, false); got != "rejected" || council.Has(w, bob) {
		t.Errorf("half against half: %s", got)
	}
	w.propose(t, ann, 1, seating(bob, true))
	if got := w.vote(t, ann, 1, true); got != "open" {
		t.Errorf("half of the council: %s", got)
	}
	if got := w.vote(t, operator, 1, true); got != "adopted" || !council.Has(w, bob) {
		t.Errorf("all of the council: %s", got)
	}
	w.propose(t, bob, 2, seating(dan, true))
	w.vote(t, bob, 2, true)
	if got := w.vote(t, ann, 2, true); got != "adopted" {
		t.Errorf("two of three: %s", got)
	}
	// Dan has no key: three vote, and two of them are a majority.
	w.propose(t, bob, 3, seating(operator, false))
	w.vote(t, bob, 3, true)
	if got := w.vote(t, ann, 3, true); got != "adopted" || council.Has(w, operator) {
		t.Errorf("two of three who have keys: %s", got)
	}
}

// TestCouncilDoesNotVanish adopts nothing that became impossible while it was open.
func TestCouncilDoesNotVanish(t *testing.T) {
	w := founded(t)
	w.propose(t, ann, 1, seating(ann, false))
	w.propose(t, ann, 2, seating(operator, false))
	w.vote(t, ann, 1, true)
	w.vote(t, ann, 2, true)
	if got := w.vote(t, operator, 2, true); got != "adopted" {
		t.Fatalf("the operator leaves: %s", got)
	}
	if got := w.vote(t, ann, 1, true); got != "rejected" || !council.Has(w, ann) {
		t.Errorf("the last seat: %s", got)
	}
}

// TestValidators keeps one validator at least, and removes only those it knows.
func TestValidators(t *testing.T) {
	w := founded(t)
	decide := func(id ProposalID, v Validator) string {
		w.propose(t, ann, id, powerTo(v))
		w.vote(t, ann, id, true)
		return w.vote(t, operator, id, true)
	}
	if got := decide(1, validator(2, 7)); got != "adopted" || PowerOf(w, ValidatorKey(validator(2, 0).PublicKey)) != 7 {
		t.Errorf("a second validator: %s", got)
	}
	w.propose(t, ann, 2, powerTo(validator(2, 0)))
	if got := decide(3, validator(1, 0)); got != "adopted" || PowerOf(w, ValidatorKey(validator(1, 0).PublicKey)) != 0 {
		t.Errorf("the first one goes: %s", got)
	}
	w.vote(t, ann, 2, true)
	if got := w.vote(t, operator, 2, true); got != "rejected" || PowerOf(w, ValidatorKey(validator(2, 0).PublicKey)) != 7 {
		t.Errorf("the last one: %s", got)
	}
}

// TestReceipts shows a vote to everyone.
func TestReceipts(t *testing.T) {
	w := founded(t)
	w.propose(t, ann, 1, payAsBid)
	for _, r := range w.Must(t, bob, VoteKind.Encode(Vote{1, true})) {
		if got := VotedReceipt.Read(r); r.Audience != op.Public || got != (Voted{1, bob, true}) {
			t.Errorf("%+v for %d", got, r.Audience)
		}
	}
}
