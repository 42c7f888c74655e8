package party

import (
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/optest"
	"github.com/commonwatt/commonwatt/tx"
)

// The accounts of these tests.
const (
	founder tx.AccountID = 1
	ann     tx.AccountID = 2
	bob     tx.AccountID = 3
)

// keyOf is a key that is someone's.
func keyOf(name string) tx.Key {
	seed := sha256.Sum256([]byte(name))
	return tx.Ed25519Key(ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
}

func owner(name string) Credential { return Credential{Key: keyOf(name), Role: Owner} }

// founded is a world in which the founder has a key.
func founded(t testing.TB) *optest.World {
	t.Helper()
	w := optest.NewWorld(t, Ops)
	if no := Genesis(w, founder, []Credential{owner("founder")}); no != nil {
		t.Fatal(no)
	}
	w.Keep()
	return w
}

// many are n keys of different owners.
func many(n int) []Credential {
	list := make([]Credential, n)
	for i := range list {
		list[i] = owner(string(rune('a' + i)))
	}
	return list
}

// neutral is the neutral element of edwards25519: a point of small order.
var neutral = tx.Key{Scheme: tx.Ed25519, Public: append([]byte{1}, make([]byte, 31)...)}

func TestOpenPrecedence(t *testing.T) {
	good := Open{Account: ann, Keys: []Credential{owner("ann"), {Key: keyOf("meter"), Role: Meter}}}
	optest.Precedence(t, founded(t), founder, OpenKind, good, []optest.Broken[Open]{
		{ErrTaken, func(_ *optest.World, _ *tx.AccountID, o *Open) { o.Account = founder }},
		{ErrNoOwner, func(_ *optest.World, _ *tx.AccountID, o *Open) { o.Keys[0].Role = Operate }},
		{ErrKeyTwice, func(_ *optest.World, _ *tx.AccountID, o *Open) { o.Keys[1].Key = o.Keys[0].Key }},
		{ErrRole, func(_ *optest.World, _ *tx.AccountID, o *Open) { o.Keys[1].Role = 4 }},
		{ErrRole, func(_ *optest.World, _ *tx.AccountID, o *Open) { o.Keys[1].Role = 0 }},
		{ErrWeakKey, func(_ *optest.World, _ *tx.AccountID, o *Open) { o.Keys[1].Key = neutral }},
		{ErrKey, func(_ *optest.World, _ *tx.AccountID, o *Open) { o.Keys[1].Key.Public = make([]byte, 31) }},
		{ErrManyKeys, func(_ *optest.World, _ *tx.AccountID, o *Open) { o.Keys = append(o.Keys, many(15)...) }},
		{ErrNoAccount, func(_ *optest.World, _ *tx.AccountID, o *Open) { o.Account = 0 }},
	})
}

func TestRotatePrecedence(t *testing.T) {
	w := founded(t)
	w.Must(t, founder, OpenKind.Encode(Open{Account: ann, Keys: []Credential{owner("ann"), {Key: keyOf("service"), Role: Operate}}}))
	good := Rotate{Account: ann, Remove: []tx.Key{keyOf("ann")}, Add: []Credential{owner("new")}}
	optest.Precedence(t, w, ann, RotateKind, good, []optest.Broken[Rotate]{
		{ErrRotateNotOwned, func(_ *optest.World, _ *tx.AccountID, o *Rotate) { o.Add[0].Role = Operate }},
		{ErrManyKeys, func(_ *optest.World, _ *tx.AccountID, o *Rotate) { o.Add = append(o.Add, many(15)...) }},
		{ErrRotateUnchanged, func(_ *optest.World, _ *tx.AccountID, o *Rotate) { o.Add[3].Key = keyOf("service") }},
		{ErrRotateUnknown, func(_ *optest.World, _ *tx.AccountID, o *Rotate) { o.Remove[0] = keyOf("bob") }},
		{ErrRotateSigner, func(_ *optest.World, signer *tx.AccountID, _ *Rotate) { *signer = founder }},
		{ErrRotateAccount, func(_ *optest.World, _ *tx.AccountID, o *Rotate) { o.Account = bob }},
		{ErrKeyTwice, func(_ *optest.World, _ *tx.AccountID, o *Rotate) { o.Add[4] = o.Add[5] }},
		{ErrManyKeys, func(_ *optest.World, _ *tx.AccountID, o *Rotate) { o.Add = append(o.Add, many(1)...) }},
		{ErrRotateNothing, func(_ *optest.World, _ *tx.AccountID, o *Rotate) { o.Remove, o.Add = nil, nil }},
	})
}

// TestGuardian lets a guardian act for an account until it has a key of its own.
func TestGuardian(t *testing.T) {
	w := founded(t)
	w.Must(t, founder, OpenKind.Encode(Open{Account: ann}))
	if !ActsFor(w, founder, ann) || ActsFor(w, bob, ann) || ActsFor(w, ann, founder) {
		t.Error("the guardian of an account without keys, and nobody else, acts for it")
	}
	w.Must(t, founder, RotateKind.Encode(Rotate{Account: ann, Add: []Credential{owner("ann")}}))
	if ActsFor(w, founder, ann) || !ActsFor(w, ann, ann) {
		t.Error("an account with a key acts for itself, and nobody for it")
	}
	if _, err := w.Try(founder, RotateKind.Encode(Rotate{Account: ann, Remove: []tx.Key{keyOf("ann")}})); err == nil {
		t.Error("the former guardian took the account back")
	}
	if a, _ := At(w, ann); a.Guardian != founder {
		t.Errorf("the guardian is %d, want %d", a.Guardian, founder)
	}
}

// TestRotateInOneStep replaces the only key: an account is never without an owner.
func TestRotateInOneStep(t *testing.T) {
	w := founded(t)
	w.Must(t, founder, RotateKind.Encode(Rotate{
		Account: founder, Remove: []tx.Key{keyOf("founder")},
		Add: []Credential{owner("new"), {Key: keyOf("gateway"), Role: Meter}},
	}))
	a, _ := At(w, founder)
	for name, want := range map[string]Role{"founder": 0, "new": Owner, "gateway": Meter} {
		if got, _ := a.RoleOf(keyOf(name)); got != want {
			t.Errorf("%s has role %d, want %d", name, got, want)
		}
	}
	// The same key comes back in another role.
	w.Must(t, founder, RotateKind.Encode(Rotate{
		Account: founder, Remove: []tx.Key{keyOf("gateway")}, Add: []Credential{{Key: keyOf("gateway"), Role: Operate}},
	}))
	if a, _ := At(w, founder); len(a.Keys) != 2 || a.Keys[1].Role != Operate {
		t.Errorf("the keys are %v", a.Keys)
	}
}

func TestGenesisRefuses(t *testing.T) {
	w := founded(t)
	for want, keys := range map[*op.Refusal][]Credential{
		ErrTaken: {owner("founder")}, ErrNoOwner: {{Key: keyOf("founder"), Role: Meter}}, ErrWeakKey: {{Key: neutral, Role: Owner}},
	} {
		if no := Genesis(w, founder, keys); no != want {
			t.Errorf("%v, want %v", no, want)
		}
	}
	if a, _ := At(w, founder); !slices.EqualFunc(a.Keys, []Credential{owner("founder")}, func(a, b Credential) bool { return same(a.Key, b.Key) }) {
		t.Error("a refused genesis changed the account")
	}
}
