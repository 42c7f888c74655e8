package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/pages"
)

// Beside a running node, the node proves; what it tells of itself as JSON and on its
// port is the trust to verify with; and at rest the folder proves the same.
func TestProveBesideANode(t *testing.T) {
	dir, scratch := elm(t), t.TempDir()
	must(t, "member", "add", dir, "anna")
	must(t, "meter", "add", dir, "anna", "anna-pv", "--kind", "solar")
	first := time.Now().UTC().AddDate(0, 0, -2).Truncate(24 * time.Hour)
	node := start(t, dir, "--from", first.Format(time.DateOnly), "--grace", "100h")
	c, err := community.Load(filepath.Join(dir, community.File))
	if err != nil {
		t.Fatal(err)
	}
	begin := interval.Time(first.Unix())
	node.send(t, dir, 1_000, metering.RecordKind.Encode(drawn(c, begin, 4)))
	node.settled(t, begin+4*3600)
	hour := first.Add(time.Hour).Format("2006-01-02T15:04")

	bundle, local, remote := filepath.Join(scratch, "anna.cwproof"), filepath.Join(scratch, "local.json"), filepath.Join(scratch, "remote.json")
	must(t, "prove", dir, "anna", hour, "--out", bundle)
	for path, args := range map[string][]string{local: {"trust", dir, "1"}, remote: {"trust", "--from", node.origin}} {
		if err := os.WriteFile(path, []byte(must(t, args...)), 0o600); err != nil {
			t.Fatal(err)
		}
		must(t, "prove", dir, "anna", hour, "--out", bundle)
		if said := must(t, "verify", bundle, "--trust", path); !strings.Contains(said, "settlement.statement of block") {
			t.Errorf("with the trust of %v: %s", args, said)
		}
	}
	if _, errs, code := commonwatt("trust", dir, "1000000"); code != exitBadInput || !strings.Contains(errs, "there is no block 1000000") {
		t.Errorf("exit %d: %s", code, errs)
	}
	var trace pages.Trace
	if err := json.Unmarshal([]byte(must(t, "trace", dir, "anna", hour, "-o", "json")), &trace); err != nil {
		t.Fatal(err)
	}
	paid := trace.Paid.Receipts[0]
	place := fmt.Sprintf("%d.%d.%d", paid.Height, paid.Position, paid.N)
	if _, errs, code := commonwatt("prove", dir, place+"99", "--out", bundle); code != exitBadInput || !strings.Contains(errs, "there is no receipt") {
		t.Errorf("exit %d: %s", code, errs)
	}
	must(t, "prove", dir, place, "--out", bundle)
	said := must(t, "verify", bundle, "--trust", local, "-o", "json")
	if !strings.Contains(said, paid.Leaf) || !strings.Contains(said, `"settlement.statement"`) {
		t.Errorf("%s is not proven: %s", place, said)
	}
	node.stop(t)
	if _, errs, code := commonwatt("prove", dir, place, "--out", bundle); code != 0 && !strings.Contains(errs, "start the node, it makes one more block") {
		t.Errorf("exit %d: %s", code, errs)
	}
}
