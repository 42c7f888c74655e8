package live

import (
	"context"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/tx"
)

// files is a community while its operator brings meter files.
type files struct{ *Live }

// Files books what meter files hold.
func (l *Live) Files() api.Files { return files{l} }

// Expect says what files have to hold, and the meters that there are.
func (l files) Expect(ctx context.Context) (e gateway.Expect, meters []string, err error) {
	err = l.between(ctx, func(context.Context) error {
		c := l.community
		e, meters = gateway.Expect{Meters: c.Meters(), Length: c.Length, Zone: c.TimeZone}, c.Meters().All()
		return nil
	})
	return e, meters, err
}

// Book books readings, one envelope after the other, so that what else is asked of the
// community need not wait for all of them.
func (l files) Book(ctx context.Context, readings []gateway.Reading) (booked int, err error) {
	for rest := readings; len(rest) > 0; booked = len(readings) - len(rest) {
		err := l.between(ctx, func(ctx context.Context) error {
			var r metering.Record
			left := rest
			r, left = operator.Batch(l.community, left)
			if err := l.Operator.Submit(ctx, []tx.Operation{metering.RecordKind.Encode(r)}); err != nil {
				return err
			}
			rest = left
			return nil
		})
		if err != nil {
			return booked, err
		}
	}
	return booked, nil
}
