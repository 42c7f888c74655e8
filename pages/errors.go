package pages

import "fmt"

// NotFound says that there is no such thing, and what to ask for instead.
type NotFound struct {
	What string // "the day 2026-02-30"
	Next string // "write it as in 2026-06-20"
}

// Error says both.
func (e *NotFound) Error() string { return fmt.Sprintf("there is no %s: %s", e.What, e.Next) }

// Forbidden says that it is not the viewer's to see. It does not say whether the
// thing is there.
type Forbidden struct {
	Next string // "sign in as the microgrid's operator"
}

// Error says so.
func (e *Forbidden) Error() string { return "this is not yours to see: " + e.Next }
