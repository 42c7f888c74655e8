package pages

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"io"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// CancellationHeader is the header of CancellationCSV: serials are half-open, from the
// first to the one after the last.
var CancellationHeader = []string{"start", "meter", "device", "energy_wh", "first_serial", "end_serial", "height"}

// CancellationCSV writes the lots that an account used up by a statement (RFC 4180).
//
// Errors: *NotFound; those of the view and of the writer.
func (s *Source) CancellationCSV(ctx context.Context, w io.Writer, viewer Viewer, account tx.AccountID, sha256 string) error {
	hash, err := hex.DecodeString(sha256)
	if err != nil {
		return noStatement(sha256)
	}
	return s.reader(ctx, func(r *view.Reader) error {
		h, err := s.holder(r, account)
		if err != nil {
			return err
		}
		h.all = viewer.Operates(h.microgrid.ID)
		list, err := r.CancelledBy(account, hash)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return noStatement(sha256)
		}
		out := csv.NewWriter(w)
		out.UseCRLF = true
		_ = out.Write(CancellationHeader) // Flush tells.
		for _, c := range list {
			for _, p := range c.Parts {
				_ = out.Write([]string{ // As above.
					time.Unix(int64(p.Lot.Start), 0).UTC().Format(time.RFC3339), h.meter(p.Lot), strconv.FormatUint(uint64(p.Lot.Device), 10),
					strconv.FormatInt(int64(p.Energy), 10), strconv.FormatInt(int64(p.First), 10), strconv.FormatInt(int64(p.First+p.Energy), 10),
					strconv.FormatInt(c.Height, 10),
				})
			}
		}
		out.Flush()
		return out.Error()
	})
}

func noStatement(sha256 string) error {
	return &NotFound{"statement " + strconv.Quote(sha256) + " of this account", "what became of its certificates lists those that there are"}
}
