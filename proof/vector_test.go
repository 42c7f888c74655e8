package proof

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "write the test vector anew")

// The test vector, for whoever writes a verifier in another language: a bundle, the
// trust to verify it with, and what is computed on the way. docs/proofs.md explains
// it. It does not change unless the format does.
func TestVector(t *testing.T) {
	w, b := typical(t)
	trust, err := json.MarshalIndent(w.blocks[0].Trust(w.name), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{
		"riverside.cwproof":    b.Encode(),
		"riverside.trust.json": append(trust, '\n'),
		"riverside.txt":        []byte(computed(w, b)),
	} {
		path := filepath.Join("testdata", name)
		if *rewrite {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the code makes; if the format changed on purpose, run go test ./proof -rewrite: %v", name, err)
		}
	}
}

// computed is what a verifier computes of a bundle, line by line.
func computed(w *world, b *Bundle) string {
	var text strings.Builder
	line := func(name string, value any) { fmt.Fprintf(&text, "%-28s %v\n", name, value) }
	line("chain", b.Chain)
	for _, block := range []*Block{&b.Path[0], &b.Block} {
		at := fmt.Sprintf("block %d ", block.Header.Height)
		hash := block.Header.Hash(b.Chain)
		line(at+"header hash", hash)
		line(at+"validators hash", ValidatorsHash(w.blocks[block.Header.Height-1].Validators))
		line(at+"signature 0 is over", fmt.Sprintf("%x", block.signBytes(b.Chain, hash, block.Signatures[0].Time)))
		line(at+"signature 0", fmt.Sprintf("%x", block.Signatures[0].Signature))
	}
	line("app hash", b.Roots.AppHash())
	for i := range b.Receipts {
		r := &b.Receipts[i]
		line(fmt.Sprintf("receipt %d leaf", r.Index), r.Fact.Leaf(r.Height))
	}
	line("sum", b.sum())
	return text.String()
}
