package op

import "fmt"

// Refusal is a deterministic "no": it is written into the receipt of the
// envelope, and every node reaches the same one. It is neither an error (the
// world failed us) nor an assertion (we are wrong).
type Refusal struct {
	Domain string
	Code   uint32 // Part of the protocol: appended, never renumbered.
	Text   string
}

// Error says which domain refuses, why, and the code to look up.
func (r *Refusal) Error() string { return fmt.Sprintf("%s: %s (refusal %d)", r.Domain, r.Text, r.Code) }
