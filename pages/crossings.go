package pages

import (
	"context"
	"fmt"
	"time"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Crossing is what an account sent to another registry, or got from it.
type Crossing struct {
	State    string `json:"state" enum:"came,locked,exported,returned"`
	Number   uint64 `json:"number,string,omitempty" doc:"of the export, where it was made"`
	Registry string `json:"registry" doc:"the other one"`
	Energy   int64  `json:"energy_wh"`
	Deadline string `json:"deadline,omitempty" doc:"until when it may arrive, RFC 3339, UTC"`
	Evidence string `json:"evidence,omitempty" doc:"SHA-256, in hexadecimal, where nothing was proven"`
}

// crossingStates are the phases in words.
var crossingStates = map[certificate.Phase]string{0: "came", certificate.Locked: "locked", certificate.Exported: "exported", certificate.Returned: "returned"}

// Crossings are what an account sent to other registries and got from them, the first
// first.
//
// Errors: those of the view.
func (s *Source) Crossings(ctx context.Context, account tx.AccountID) (list []Crossing, err error) {
	err = s.reader(ctx, func(r *view.Reader) error {
		list, err = crossings(r, account)
		return err
	})
	return list, err
}

func crossings(r *view.Reader, account tx.AccountID) ([]Crossing, error) {
	list := []Crossing{}
	err := r.Crossings(account, func(c view.Crossing) error {
		x := Crossing{State: crossingStates[c.Phase], Number: c.Number, Registry: c.Registry, Energy: int64(c.Energy)}
		if c.Deadline > 0 {
			x.Deadline = time.Unix(int64(c.Deadline), 0).UTC().Format(time.RFC3339)
		}
		if len(c.Evidence) > 0 {
			x.Evidence = fmt.Sprintf("%x", c.Evidence)
		}
		list = append(list, x)
		return nil
	})
	return list, err
}
