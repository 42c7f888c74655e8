package node_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/node"
)

// freePort returns an address that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	// Below the ports that the system gives those who dial: whoever dials a node that
	// does not listen yet could be given that node's own.
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 16_000+rand.IntN(16_000))) //nolint:noctx // It is closed at once.
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
}

// networked starts the node of a folder as its settings say, until the test ends.
func networked(t *testing.T, dir string) *node.Node {
	t.Helper()
	s, err := node.LoadSettings(dir)
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(node.Config{Dir: dir, Settings: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// A node joins a network by an invitation, gets every block, and hands in what is
// sent to it; voted in, it decides with the first; voted out, the first goes on alone.
func TestJoin(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	if err := node.Init(first, testChain, genesisOf(2)); err != nil {
		t.Fatal(err)
	}
	if err := (node.Settings{Listen: freePort(t)}).Save(first); err != nil {
		t.Fatal(err)
	}
	a := networked(t, first)
	fund(t, a, 2)

	i, err := a.Invitation()
	if err != nil {
		t.Fatal(err)
	}
	self, err := node.Join(second, i, node.Settings{Listen: freePort(t), Peers: i.Peers})
	if err != nil {
		t.Fatal(err)
	}
	b := networked(t, second)
	reach(t, b, a.Height())
	accept(t, b, transfer(2, 1, 1, 5)) // Over the network and back.

	// What one validator decides needs no other, and nothing is decided without work.
	rest := a.Height()
	power(t, a, self.Validator, 1)
	reach(t, b, a.Height())
	accept(t, b, transfer(2, 1, 2, 5))
	accept(t, a, transfer(2, 1, 3, 5))
	if n := b.Validators(); n != 2 || a.Height() <= rest {
		t.Errorf("%d validators at height %d", n, a.Height())
	}
	sameFigures(t, a, b)
	if peers := a.Peers(); len(peers) != 1 || peers[0].Node != self.Node || peers[0].Node+"@"+peers[0].Address == i.Peers[0] {
		t.Errorf("the first node's peers are %v", peers)
	}

	power(t, b, self.Validator, 0)
	reach(t, a, b.Height()+1) // It holds from the second block on.
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	accept(t, a, transfer(2, 1, 4, 5))
}

// sameFigures checks that what pages are made of is the same at two nodes of a ledger,
// at a height at which neither moved on meanwhile.
func sameFigures(t *testing.T, a, b *node.Node) {
	t.Helper()
	for {
		at := max(a.Height(), b.Height())
		var digests [2][32]byte
		for i, n := range []*node.Node{a, b} {
			reach(t, n, at)
			if err := n.Seen(t.Context(), at); err != nil {
				t.Fatal(err)
			}
			var err error
			if digests[i], err = n.View().Digest(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if a.Height() != at || b.Height() != at {
			continue
		}
		if digests[0] != digests[1] {
			t.Error("two nodes of one ledger show different figures")
		}
		return
	}
}

// power has the only seat give a validator its power.
func power(t *testing.T, n *node.Node, key []byte, power int64) {
	t.Helper()
	id := governance.ProposalID(n.Height() + 1)
	nonce := uint64(1000 + n.Height())
	accept(t, n, sign(1, nonce,
		governance.ProposeKind.Encode(governance.Propose{
			Proposal: id, Change: governance.Change{Validator: &governance.Validator{PublicKey: key, Power: power}},
			Until: interval.Time(time.Now().Unix() + 3600),
		}),
		governance.VoteKind.Encode(governance.Vote{Proposal: id, Yes: true})))
}

// reach waits until a node has a height.
func reach(t *testing.T, n *node.Node, height int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := n.Wait(ctx, height); err != nil {
		t.Fatalf("height %d: %v; the node is at %d", height, err, n.Height())
	}
}

// Settings are kept as they were, and bad ones are refused with what to write.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	if s, err := node.LoadSettings(dir); err != nil || s.Listen != "" {
		t.Errorf("without a file: %v, %v", s, err)
	}
	peer := "0123456789012345678901234567890123456789@10.0.0.2:26656"
	kept := node.Settings{Listen: "0.0.0.0:26656", Advertise: "elm.example:26656", Peers: []string{peer}}
	if err := kept.Save(dir); err != nil {
		t.Fatal(err)
	}
	if s, err := node.LoadSettings(dir); err != nil || s.Listen != kept.Listen || s.Reached() != kept.Advertise || !slices.Equal(s.Peers, kept.Peers) {
		t.Errorf("%v, %v", s, err)
	}
	for text, key := range map[string]string{
		`listen = "26656"`:                                  "listen",
		`listen = "127.0.0.1:0"`:                            "listen",
		`listen = "0.0.0.0:26656"`:                          "advertise",
		`advertise = "elm.example:1"`:                       "advertise",
		`peers = ["` + peer + `"]`:                          "peers",
		"listen = \"127.0.0.1:1\"\npeers = [\"elm:26656\"]": "peers",
		`lisen = "127.0.0.1:1"`:                             "lisen",
		`listen = 26656`:                                    "line 1, column 10",
	} {
		if err := os.WriteFile(filepath.Join(dir, node.SettingsFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := node.LoadSettings(dir)
		if no, ok := errors.AsType[*node.SettingsError](err); !ok || no.Key != key {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A request says what was signed, or it is none.
func TestRequest(t *testing.T) {
	o := node.Organisation{Name: "Town Utility", Validator: make([]byte, 32), Node: "0123456789012345678901234567890123456789@10.0.0.2:26656"}
	r, err := node.NewRequest(testChain, o, keyOf(7))
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*node.Request){
		"":              func(*node.Request) {},
		"the name":      func(r *node.Request) { r.Name = "Town Futility" },
		"the validator": func(r *node.Request) { r.Validator = append([]byte{1}, r.Validator[1:]...) },
		"the account":   func(r *node.Request) { r.Account++ },
		"the chain":     func(r *node.Request) { r.Chain = "other" },
	} {
		changed := r
		change(&changed)
		text, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := node.ParseRequest(text); (err == nil) != (what == "") || err != nil && !errors.Is(err, node.ErrRequest) {
			t.Errorf("after %s was changed: %v", what, err)
		}
	}
}
