package device

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/merkle"
	"github.com/commonwatt/commonwatt/optest/memory"
)

// told is a receipt of the n-th message of a device.
func told(n int) Receipt {
	sum := sha256.Sum256(fmt.Append(nil, "message ", n))
	return Receipt{Version: 1, Microgrid: 10, Device: 41, Epoch: 1, Sequence: uint64(n), Message: sum[:], Status: Accepted, Height: 812, Teller: Ledger}
}

func toldMany(n int) (list []Receipt) {
	for i := range n {
		list = append(list, told(i+1))
	}
	return list
}

// nodeKey is the key of a node, for tests.
var nodeKey = keyOf("a node of the test vectors")

func nodePublic() ed25519.PublicKey { return nodeKey.Public().(ed25519.PublicKey) }

func mustProve(t testing.TB, list ...Receipt) [][]byte {
	t.Helper()
	proofs, err := SignReceipts(list, chain, nodeKey)
	if err != nil {
		t.Fatal(err)
	}
	return proofs
}

// Every receipt of a batch of any size opens to what was signed, and what is signed
// is the root of RFC 6962.
func TestReceiptsOfABatch(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 100, 2048} {
		list := toldMany(n)
		var log merkle.Log
		for i, proof := range mustProve(t, list...) {
			r, err := OpenReceipt(proof, chain, nodePublic())
			if err != nil {
				t.Fatalf("%d of %d: %v", i, n, err)
			}
			if fmt.Sprint(*r) != fmt.Sprint(list[i]) || !r.Of(fmt.Append(nil, "message ", i+1)) || r.Of(fmt.Append(nil, "message ", i)) {
				t.Errorf("%d of %d: opened %+v, signed %+v", i, n, r, list[i])
			}
			log.Append(merkle.LeafHash(codec.Marshal(list[i])))
			if len(proof) > MaxProof {
				t.Errorf("%d bytes", len(proof))
			}
		}
		if n == 0 {
			continue
		}
		var parts [][]byte
		if err := codec.Unmarshal(mustProve(t, list...)[0], &parts); err != nil {
			t.Fatal(err)
		}
		if over, err := open(parts[2], receiptDomain+chain); err != nil || merkle.Hash(over.payload) != log.Root() {
			t.Errorf("of %d receipts %x is signed, and their root is %v: %v", n, over.payload, log.Root(), err)
		}
	}
}

// A receipt is for its message, its ledger and its node; nothing of it can be changed.
func TestReceiptRefuses(t *testing.T) {
	proofs := mustProve(t, toldMany(5)...)
	var first, second [][]byte
	if err := errors.Join(codec.Unmarshal(proofs[0], &first), codec.Unmarshal(proofs[1], &second)); err != nil {
		t.Fatal(err)
	}
	swapped := codec.Marshal([][]byte{second[0], first[1], first[2]})
	turned := bytes.Clone(first[1])
	turned[0] ^= 1
	device := mustSign(t, example(), nodeKey)
	stranger, err := SignReceipts(toldMany(1), chain, keyOf("meter"))
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		proof []byte
		chain string
		want  error
	}{
		"another ledger":              {proofs[0], "riverside-2", ErrProofSignature},
		"another node":                {stranger[0], chain, ErrProofKey},
		"another receipt":             {swapped, chain, ErrProofRoot},
		"a step to the other side":    {codec.Marshal([][]byte{first[0], turned, first[2]}), chain, ErrProofRoot},
		"a step less":                 {codec.Marshal([][]byte{first[0], first[1][stepSize:], first[2]}), chain, ErrProofRoot},
		"a side that there is not":    {codec.Marshal([][]byte{first[0], append([]byte{2}, first[1][1:]...), first[2]}), chain, ErrProof},
		"half a step":                 {codec.Marshal([][]byte{first[0], first[1][1:], first[2]}), chain, ErrProof},
		"a message's signature":       {codec.Marshal([][]byte{first[0], first[1], device}), chain, ErrProofRoot},
		"a byte more":                 {append(bytes.Clone(proofs[0]), 0), chain, ErrProof},
		"many bytes more":             {append(bytes.Clone(proofs[0]), make([]byte, MaxProof)...), chain, ErrProof},
		"nothing":                     {nil, chain, ErrProof},
		"no signature":                {codec.Marshal([][]byte{first[0], first[1], nil}), chain, ErrProof},
		"a path longer than any tree": {codec.Marshal([][]byte{first[0], make([]byte, 17*stepSize), first[2]}), chain, ErrProof},
	} {
		if _, err := OpenReceipt(c.proof, c.chain, nodePublic()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	for i := range proofs[2] {
		other := bytes.Clone(proofs[2])
		other[i] ^= 1
		if r, err := OpenReceipt(other, chain, nodePublic()); err == nil {
			t.Errorf("byte %d is changed, and it opens: %+v", i, r)
		}
	}
	if _, err := Decode(first[2], chain); err == nil {
		t.Error("a receipt's signature passes for a message")
	}
}

// What a node cannot mean is no receipt, whoever signed it.
func TestReceiptsContradict(t *testing.T) {
	for what, wreck := range map[string]func(*Receipt){
		"another version":             func(r *Receipt) { r.Version = 2 },
		"half a hash":                 func(r *Receipt) { r.Message = r.Message[:16] },
		"no status":                   func(r *Receipt) { r.Status = 0 },
		"a status that there is not":  func(r *Receipt) { r.Status = 5 },
		"the ledger in no block":      func(r *Receipt) { r.Height = 0 },
		"nobody tells":                func(r *Receipt) { r.Teller = 0 },
		"the gateway accepts":         func(r *Receipt) { r.Teller, r.Height = GatewayFull, 0 },
		"the gateway in a block":      func(r *Receipt) { r.Teller, r.Status = GatewayTopic, Refused },
		"the gateway without a code":  func(r *Receipt) { r.Teller, r.Status, r.Height = Gateway, Refused, 0 },
		"a foreign topic with a code": func(r *Receipt) { r.Teller, r.Status, r.Height, r.Code = GatewayTopic, Refused, 0, 9002 },
	} {
		r := told(1)
		wreck(&r)
		body := codec.Marshal(r)
		leaf := merkle.LeafHash(body)
		signed, err := sign(leaf[:], receiptDomain+chain, nodeKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenReceipt(codec.Marshal([][]byte{body, {}, signed}), chain, nodePublic()); !errors.Is(err, ErrProof) {
			t.Errorf("%s: %v", what, err)
		}
		if what == "another version" { // SignReceipts writes ours.
			continue
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is signed", what)
				}
			}()
			mustProve(t, r)
		}()
	}
}

// FuzzOpenReceipt holds OpenReceipt against codec: what it reads is the one way to
// write what it returns.
func FuzzOpenReceipt(f *testing.F) {
	f.Add(mustProve(f, told(1))[0])
	f.Add(mustProve(f, toldMany(5)...)[4])
	f.Add(mustProve(f, Receipt{Message: make([]byte, 32), Status: Refused, Teller: GatewayFull})[0])
	memory.Large(f)
	f.Fuzz(func(t *testing.T, proof []byte) {
		defer memory.Bound(t)()
		r, err := OpenReceipt(proof, chain, nodePublic())
		if err != nil {
			return
		}
		var parts [][]byte
		if err := codec.Unmarshal(proof, &parts); err != nil || len(parts) != 3 || !bytes.Equal(codec.Marshal(*r), parts[0]) || !bytes.Equal(codec.Marshal(parts), proof) {
			t.Fatalf("%x is read as %+v, and written otherwise: %v", proof, r, err)
		}
	})
}

// The bytes of a receipt are a promise to every device that was ever built.
func TestReceiptsAreStable(t *testing.T) {
	const file = "testdata/receipts.txt"
	var text strings.Builder
	text.WriteString("# Receipts of a node, signed. The seed is the private key of RFC 8032 §5.1.5; Ed25519 is deterministic.\n")
	text.WriteString("# proof is what a device hears as \"proof\", there in base64url; receipt and path are parts of it. leaf is SHA-256 of\n")
	text.WriteString("# 00 and receipt; each step of the path (33 bytes) leads to SHA-256 of 01, left and right, and the last to root.\n")
	text.WriteString("# signed is the Sig_structure of RFC 9052 §4.4, its third item \"commonwatt/receipt/1\\n\" and the chain id.\n")
	text.WriteString("# Written by go test ./device -run Stable -rewrite. A difference breaks every device.\n")
	fmt.Fprintf(&text, "\nseed %x\nkey %x\nchain %s\n", nodeKey.Seed(), nodePublic(), chain)
	vector := func(r Receipt, proof []byte) {
		var parts [][]byte
		if err := codec.Unmarshal(proof, &parts); err != nil {
			t.Fatal(err)
		}
		over, err := open(parts[2], receiptDomain+chain)
		if err != nil {
			t.Fatal(err)
		}
		leaf := merkle.LeafHash(parts[0])
		fmt.Fprintf(&text, "\nmicrogrid %d device %d epoch %d sequence %d status %d code %d height %d teller %d\n",
			r.Microgrid, r.Device, r.Epoch, r.Sequence, r.Status, r.Code, r.Height, r.Teller)
		fmt.Fprintf(&text, "message-sha256 %x\nreceipt %x\nleaf %x\npath %x\nroot %x\nsigned %x\nsignature %x\nproof %x\n",
			r.Message, parts[0], leaf[:], parts[1], over.payload, over.structure(), over.signature, proof)
	}
	refused, unread, full := told(2), told(3), told(4)
	refused.Status, refused.Code = Refused, ErrFuture.Code
	unread.Status, unread.Code, unread.Teller, unread.Epoch, unread.Sequence, unread.Height = Refused, ErrEncoding.Code, Gateway, 0, 0, 0
	full.Status, full.Teller, full.Height = Refused, GatewayFull, 0
	batch := []Receipt{told(1), refused, unread, full, told(5)}
	vector(told(1), mustProve(t, told(1))[0])
	for i, proof := range mustProve(t, batch...) {
		vector(batch[i], proof)
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

// The kept receipts verify with the standard library and nothing of ours but the text
// of the file: what a device has to do is these few lines.
func TestReceiptsVerifyByThemselves(t *testing.T) {
	kept, err := os.ReadFile("testdata/receipts.txt")
	if err != nil {
		t.Fatal(err)
	}
	at := map[string][]byte{}
	verified := 0
	for line := range strings.Lines(string(kept)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "" || name == "#" || name == "chain" || name == "microgrid" {
			continue
		}
		if at[name], err = hex.DecodeString(value); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name != "proof" {
			continue
		}
		node := sha256.Sum256(append([]byte{0}, at["receipt"]...))
		for path := at["path"]; len(path) > 0; path = path[33:] {
			pair := append(append([]byte{1}, node[:]...), path[1:33]...)
			if path[0] == 1 {
				pair = append(append([]byte{1}, path[1:33]...), node[:]...)
			}
			node = sha256.Sum256(pair)
		}
		aad := "commonwatt/receipt/1\nriverside-1"
		signed := append([]byte("\x84\x6aSignature1\x43\xa1\x01\x27\x58\x20"), aad...) // 32 bytes of each.
		signed = append(append(signed, 0x58, 0x20), node[:]...)
		if len(aad) != 32 || !bytes.Equal(signed, at["signed"]) || !ed25519.Verify(at["key"], signed, at["signature"]) ||
			!bytes.HasSuffix(at["proof"], at["signature"]) || !bytes.Contains(at["receipt"], at["message-sha256"]) {
			t.Errorf("%x does not verify", at["proof"])
		}
		verified++
	}
	if verified != 6 {
		t.Errorf("%d receipts", verified)
	}
}

// BenchmarkSignReceipts signs receipts in batches of the size that a full one of the
// gateway has, beside one signature for each.
func BenchmarkSignReceipts(b *testing.B) {
	list := toldMany(2048)
	for _, size := range []int{1, 16, 2048} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				if _, err := SignReceipts(list[:size], chain, nodeKey); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(size), "ns/receipt")
		})
	}
}
