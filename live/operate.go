package live

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// ToBook is operations that the operator is asked to sign, in one envelope.
type ToBook struct {
	Operations []tx.Operation `json:"operations"`
	DryRun     bool           `json:"dry_run"`
}

// operate signs operations on certificates and answers with their receipts, or with those
// that there would be.
func (l *Live) operate(ctx context.Context, w http.ResponseWriter, r *http.Request) (receipts []op.Receipt, err error) {
	var ask ToBook
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyMax)).Decode(&ask); err != nil {
		return nil, err
	}
	for _, o := range ask.Operations {
		if known, ok := machine.Registry().Operation(o.Kind); !ok || !strings.HasPrefix(known.Name, "certificate.") {
			return nil, &pages.NotFound{What: fmt.Sprintf("operation %d on certificates", o.Kind), Next: "docs/operations.md lists them"}
		}
	}
	err = l.between(ctx, func(ctx context.Context) (err error) {
		receipts, err = Operate(ctx, l.Operator, l.Node.Read, l.Now(), ask)
		return err
	})
	if refusedByLedger(err) {
		err = &api.Unfit{Text: err.Error()} // It was tried first, as in a folder at rest.
	}
	return receipts, err
}

// Operate has the operator sign operations in one envelope, or try them, and returns
// their receipts.
//
// Errors: the ledger's refusal; those of the node.
func Operate(ctx context.Context, o *operator.Operator, read func(func(state.Reader, machine.Head)), now time.Time, ask ToBook) (receipts []op.Receipt, err error) {
	read(func(rows state.Reader, head machine.Head) {
		receipts, err = operator.Try(rows, head, interval.Time(now.Unix()), o.Account(), ask.Operations)
	})
	if err != nil || ask.DryRun {
		return receipts, err
	}
	outcome, _, err := o.Settle(ctx, ask.Operations)
	if err := o.Accepted(outcome, err); err != nil {
		return nil, err
	}
	receipts = receipts[:0]
	for _, f := range outcome.Receipts {
		receipts = append(receipts, f.Receipt())
	}
	return receipts, nil
}

// Operate has the operator of the running node sign operations on certificates.
//
// Errors: *BadError.
func (c *Client) Operate(ctx context.Context, ask ToBook) (receipts []op.Receipt, err error) {
	text, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	return receipts, c.ask(ctx, http.MethodPost, "/operations", text, &receipts)
}
