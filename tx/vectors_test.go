package tx

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var rewrite = flag.Bool("rewrite", false, "rewrite testdata/envelopes.txt")

// The bytes of an envelope are a promise to every client that was ever built:
// one envelope of each scheme is kept, for us and for other implementations.
func TestEnvelopesAreStable(t *testing.T) {
	const file = "testdata/envelopes.txt"
	var text strings.Builder
	text.WriteString("# One body signed under each scheme. Signatures are deterministic (RFC 8032, RFC 6979).\n")
	text.WriteString("# Written by go test ./tx -run Stable -rewrite. A difference breaks every client.\n")
	examples := signed(transfer())
	for _, scheme := range []Scheme{Ed25519, WebAuthn, EIP712} {
		e := mustDecode(t, examples[scheme])
		fmt.Fprintf(&text, "\nscheme %d\nkey %x\nid %x\nseal %x\nenvelope %x\n", scheme, e.Key.Public, e.ID, e.Seal(), examples[scheme])
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(kept) != text.String() {
		t.Errorf("%s differs; now it would be:\n%s", file, &text)
	}
}
