package node_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/commonwatt/commonwatt/node"
)

// problems are what a node's health finds, by check.
func problems(n *node.Node) map[string]string {
	found := map[string]string{}
	for _, c := range n.Health() {
		if c.Problem != "" {
			found[c.Name] = c.Problem
		}
	}
	return found
}

// A node on its own that has no work is well however long that is; one whose folder is
// taken away is not, and one that ended is not.
func TestHealth(t *testing.T) {
	n, dir := start(t, 1)
	fund(t, n, 1)
	if err := n.Seen(t.Context(), n.Height()); err != nil {
		t.Fatal(err)
	}
	if found := problems(n); len(found) > 0 {
		t.Errorf("a node that is well: %q", found)
	}
	// What cannot be written to, even by root: a folder in the way of the file.
	probe := filepath.Join(dir, ".writable")
	if err := os.Mkdir(probe, 0o700); err != nil {
		t.Fatal(err)
	}
	if found := problems(n); found["disk"] == "" || len(found) != 1 {
		t.Errorf("a folder that cannot be written to: %q", found)
	}
	if err := os.Remove(probe); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if found := problems(n); found["chain"] == "" {
		t.Errorf("a node that ended: %q", found)
	}
}

// What is admitted, refused and applied is counted, each once and by why.
func TestCounted(t *testing.T) {
	dir, registry := t.TempDir(), prometheus.NewRegistry()
	if err := node.Init(dir, testChain, genesisOf(2)); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(node.Config{Dir: dir, Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	fund(t, n, 2)                                                    // One envelope.
	accept(t, n, transfer(1, 2, 2, 5))                               // Another.
	spoiled := transfer(1, 2, 3, 5)                                  // A bad signature.
	spoiled[len(spoiled)-1] ^= 1                                     //
	stale, broke := transfer(1, 2, 2, 5), transfer(2, 1, 1, 2*purse) // A nonce that was used; more than there is.
	for _, raw := range [][]byte{spoiled, stale, []byte("nothing"), broke} {
		_, _ = n.Submit(t.Context(), raw) // What became of it is counted.
	}
	if err := errors.Join(n.Rest(t.Context()), n.Seen(t.Context(), n.Height())); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]float64{
		"commonwatt_admission_admitted_total":          3,
		"commonwatt_admission_refused_total signature": 1,
		"commonwatt_admission_refused_total party":     1,
		"commonwatt_admission_refused_total malformed": 1,
		"commonwatt_admission_refused_total ledger":    0,
		"commonwatt_envelopes_applied_total":           2,
		"commonwatt_envelopes_refused_total ledger":    1,
		"commonwatt_envelopes_refused_total party":     0,
		"commonwatt_height":                            float64(n.Height()),
		"commonwatt_view_height":                       float64(n.Height()),
		"commonwatt_view_lag_blocks":                   0,
		"commonwatt_validator_power":                   1,
		"commonwatt_networked":                         0,
	} {
		if got := value(t, registry, query); got != want {
			t.Errorf("%s is %v, not %v", query, got, want)
		}
	}
	if blocks := value(t, registry, "commonwatt_block_size_bytes"); blocks < 3 {
		t.Errorf("%v blocks have a size", blocks)
	}
}
