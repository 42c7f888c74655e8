package chain

import (
	"slices"
	"testing"
	"time"

	"github.com/cometbft/cometbft/types"
	"github.com/prometheus/client_golang/prometheus"
)

// A validator that is away is seen to miss its votes; a stranger that connects gets no
// label of its own, or each one would be remembered for ever.
func TestStandingAndMetrics(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, 4)
	registry := prometheus.NewRegistry()
	n[0].cfg.Metrics = registry
	n[0].cfg.Peers = n[0].cfg.Peers[:2] // The fourth dials it, unasked.
	for i := range n {
		n[i].cfg.Idle = 100 * time.Millisecond
		n[i].run(t)
	}
	first := n[0].chain
	for len(first.Peers()) < 3 || first.standing(t).Syncing {
		wait(t, first, first.Height()+1)
	}
	away := n[3].chain.parts.signer.GetAddress()
	if v := first.voting(t, away); v.Power != 10 || v.Total != 40 || v.Voters != 4 {
		t.Errorf("the fourth stands at %+v", v)
	}
	stop(t, n[3].chain)
	for first.voting(t, away).Missed < 2 {
		wait(t, first, first.Height()+1)
	}
	own, err := first.Voting(100)
	if err != nil || own.Blocks < 2 || own.Missed >= own.Blocks || max(own.Skew, -own.Skew) > 5*time.Second {
		t.Errorf("the first stands at %+v, %v", own, err)
	}
	if s := first.standing(t); !s.Networked || s.Idle != 100*time.Millisecond || s.Behind != 0 {
		t.Errorf("it stands at %+v", s)
	}
	var names []string
	for _, peer := range n[0].cfg.Peers {
		names = append(names, peer[:40])
	}
	labels := labelsOf(t, registry, peerLabel)
	if !slices.Contains(labels, otherPeers) || len(labels) < 2 {
		t.Errorf("the peers are %q", labels)
	}
	for _, label := range labels {
		if label != otherPeers && !slices.Contains(names, label) {
			t.Errorf("a stranger has the label %q", label)
		}
	}
}

// standing is Standing without an error.
func (c *Chain) standing(t *testing.T) Standing {
	t.Helper()
	s, err := c.Standing()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// voting is how another validator voted.
func (c *Chain) voting(t *testing.T, other types.Address) Voting {
	t.Helper()
	v, err := c.votingOf(other, 100)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// labelsOf lists the values of a label.
func labelsOf(t *testing.T, registry *prometheus.Registry, name string) (list []string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == name && !slices.Contains(list, l.GetValue()) {
					list = append(list, l.GetValue())
				}
			}
		}
	}
	return list
}

// Two chains in one process, as in tests and in what a bench runs, keep their counts apart,
// and those of the process.
func TestMetricsApart(t *testing.T) {
	own := prometheus.DefaultRegisterer
	a, b := prometheus.NewRegistry(), prometheus.NewRegistry()
	measure(a, nil).mempool.FailedTxs.Add(1)
	measure(b, nil)
	if prometheus.DefaultRegisterer != own {
		t.Error("the process's own registry is gone")
	}
	for registry, want := range map[*prometheus.Registry]float64{a: 1, b: 0} {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			if f.GetName() == "cometbft_mempool_failed_txs" && f.GetMetric()[0].GetCounter().GetValue() != want {
				t.Errorf("it counts %v, not %v", f, want)
			}
		}
	}
}

// The clock that is compared is that of the validator in the middle, not one that is far
// off.
func TestSkew(t *testing.T) {
	t.Parallel()
	at := func(seconds int) types.CommitSig {
		return types.CommitSig{BlockIDFlag: types.BlockIDFlagCommit, Timestamp: time.Unix(int64(1000+seconds), 0)}
	}
	away := types.CommitSig{BlockIDFlag: types.BlockIDFlagAbsent}
	for _, c := range []struct {
		signatures []types.CommitSig
		want       time.Duration
	}{
		{[]types.CommitSig{at(3)}, 0},
		{[]types.CommitSig{at(3), away, away}, 0},
		{[]types.CommitSig{at(3), at(0), at(1), at(3600)}, 2 * time.Second},
		{[]types.CommitSig{at(3), at(-3600), at(3), at(4)}, 0},
	} {
		if got := skew(c.signatures, 0); got != c.want {
			t.Errorf("%v: %v, not %v", c.signatures, got, c.want)
		}
	}
}
