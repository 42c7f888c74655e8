// Package proof makes bundles and verifies them. A bundle is a small file that
// shows receipts and rows of a ledger to somebody who was not there: without a
// network, and without trust in whoever hands it over.
//
// Its promise: what Verify returns is what more than two thirds of the ledger's
// validators signed, as far as the reader's trust reaches; every byte of a bundle
// counts, so that a bundle with any byte changed is refused, and the error says at
// which step.
//
// # Verifying
//
//	bundle, err := proof.Decode(file)           // *proof.Failed, step "format"
//	verified, err := bundle.Verify(trust, now)  // *proof.Failed with the step
//	for _, r := range verified.Receipts {
//		... // r.Fact.Kind says which receipt it is, r.Fact.Body is its CBOR.
//	}
//
// The trust is what the reader believes to begin with: the hash of one header of
// the chain. It comes from whoever the reader trusts, by another way than the bundle.
// A bundle's own Anchor is good for asking "is this the chain that you mean?" and for
// nothing else.
//
//	trust, err := proof.ParseTrust("1:3e5de10…")  // HEIGHT:HASH
//	err = json.Unmarshal(file, &trust)            // as "commonwatt trust" prints it
//
// A trust holds for a time, by default a year. Verified.Trust is a newer one, to be
// kept for the next bundle.
//
// # What is checked
//
// In this order, as Steps lists them: the bytes ("format"); that the chain is the one
// that is trusted ("chain"); that each header's validators are those that it commits
// to ("validators"); that the validators signed, and with enough power
// ("signatures"); that signed headers lead from what is trusted to the bundle's own,
// as in CometBFT's light client ("trust"); that this header commits to the roots
// ("app hash"); and that receipts and rows are below the roots ("receipt", "log",
// "state"); and the sum over all of it ("sum").
//
// What a bundle does not say: that no other receipts exist, unless a row says so;
// and what a receipt means, which package machine knows. The state that rows are of
// is that of the block before the header's.
package proof
