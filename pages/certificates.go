package pages

import (
	"context"
	"time"

	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Certificate is what an account has of a lot: of what one device produced in one
// interval.
type Certificate struct {
	Start  string `json:"start" doc:"of the interval, RFC 3339, UTC"`
	Meter  string `json:"meter" doc:"of the device that produced it"`
	Energy int64  `json:"energy_wh"`
}

// Certificates are what an account has, by microgrid, start and device: neither
// claimed as it was used, nor cancelled, expired or withdrawn.
//
// Errors: *NotFound; those of the view.
func (s *Source) Certificates(ctx context.Context, account tx.AccountID) (list []Certificate, err error) {
	list = []Certificate{}
	err = s.reader(ctx, func(r *view.Reader) error {
		if _, err := s.household(r, account); err != nil {
			return err
		}
		return r.Holdings(account, func(h view.HeldLot) error {
			list = append(list, Certificate{
				Start: time.Unix(int64(h.Lot.Start), 0).UTC().Format(time.RFC3339),
				Meter: s.names(h.Lot.Microgrid).Meters[h.Lot.Device], Energy: int64(h.Energy),
			})
			return nil
		})
	})
	return list, err
}
