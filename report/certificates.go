package report

import "github.com/commonwatt/commonwatt/quantity"

// Certificates is what was certified, and what became of it.
type Certificates struct {
	Lots      int64           `json:"lots"`
	Issued    quantity.Energy `json:"issued_wh"`
	Claimed   quantity.Energy `json:"claimed_wh"` // With the use of the energy.
	Cancelled quantity.Energy `json:"cancelled_wh"`
	Expired   quantity.Energy `json:"expired_wh"`
	Withdrawn quantity.Energy `json:"withdrawn_wh"`
	Held      quantity.Energy `json:"held_wh"`
	// What batteries stored of them, and what was issued again of what they gave.
	Stored     quantity.Energy `json:"stored_wh,omitempty"`
	Discharged quantity.Energy `json:"discharged_wh,omitempty"`
}

// certificates sums certificates up; nil where none were issued.
func (r *run) certificates() (*Certificates, error) {
	l, err := r.reader.Certified(r.microgrid.ID, r.settled)
	if err != nil || l.Count == 0 {
		return nil, err
	}
	return &Certificates{
		Lots: l.Count, Issued: l.Issued, Claimed: l.Claimed, Cancelled: l.Cancelled,
		Expired: l.Expired, Withdrawn: l.Withdrawn, Held: l.Held(), Stored: l.Stored, Discharged: l.Discharged,
	}, nil
}
