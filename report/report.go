// Package report writes the files that a settlement run leaves: bills, trades,
// intervals, exceptions and a summary, for people, spreadsheets and programs.
//
// Its promise: all of it comes from one moment of the view and says the same.
// The bills of all accounts sum to zero, to the unit, or nothing is written;
// amounts are exact integers, and only the table for people rounds, half away
// from zero. The same view always gives the same bytes, and a file is there
// whole or not at all.
package report

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// Names is what the ledger does not know: names are in the community's file.
// What has no name is called by its number.
type Names struct {
	Community string
	Accounts  map[tx.AccountID]string // Members, utility, network and levy.
	Members   []tx.AccountID          // The order of bills; others follow by name.
	Buyers    []tx.AccountID          // Who has no connection point.
	Zones     map[grid.ZoneID]string
	Meters    map[grid.DeviceID]string
	Currency  string
	Decimals  int               // Of the currency: its unit is 10^-Decimals; 18 at most.
	TimeZone  *time.Location    // Of the months that bills are for.
	Carbon    *community.Carbon // What the grid's energy emitted; nil: not known.
}

// run is a report in the making.
type run struct {
	names     Names
	reader    *view.Reader
	microgrid view.Microgrid
	settled   view.Period
}

// begin runs f over one moment of the view.
func begin(ctx context.Context, v *view.View, id grid.MicrogridID, names Names, f func(*run) error) error {
	return v.Read(ctx, func(r *view.Reader) error {
		all, err := r.Microgrids()
		if err != nil {
			return err
		}
		for _, m := range all {
			if m.ID == id {
				settled, _, err := r.Settled(m)
				if err != nil {
					return err
				}
				return f(&run{names, r, m, settled})
			}
		}
		return fmt.Errorf("report: there is no microgrid %d", id)
	})
}

// Write writes the files of a microgrid into a folder, which it makes, and
// replaces what an earlier run left there. Only their owner may read them: bills
// are private.
//
// Errors: those of the view, of the disk and of the context; bills that do not
// sum to zero.
func Write(ctx context.Context, v *view.View, id grid.MicrogridID, names Names, dir string) (s Summary, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return s, fmt.Errorf("report: %w", err)
	}
	err = begin(ctx, v, id, names, func(r *run) (err error) {
		var done []string
		defer func() {
			for _, name := range done { // Those that were renamed are gone.
				if gone := os.Remove(name); !errors.Is(gone, os.ErrNotExist) {
					err = errors.Join(err, gone)
				}
			}
		}()
		if s, err = r.summarize(); err != nil {
			return err
		}
		files := []struct {
			name  string
			write func(io.Writer) error
		}{
			{"bills.csv", r.bills},
			{"trades.csv", r.trades},
			{"intervals.csv", r.intervals},
			{"exceptions.csv", r.exceptions},
			{"matching.csv", r.matching},
			{"summary.json", func(w io.Writer) error { return JSON(w, s) }},
		}
		for _, f := range files {
			name, err := fill(dir, f.name, f.write)
			if err != nil {
				return fmt.Errorf("report: %s: %w", f.name, err)
			}
			done = append(done, name)
		}
		for i, f := range files {
			if err := os.Rename(done[i], filepath.Join(dir, f.name)); err != nil {
				return fmt.Errorf("report: %w", err)
			}
		}
		return nil
	})
	return s, err
}

// fill writes a file under a name of its own beside the one that it is to have.
func fill(dir, name string, write func(io.Writer) error) (temporary string, err error) {
	f, err := os.CreateTemp(dir, "."+name+".*")
	if err != nil {
		return "", err
	}
	buffer := bufio.NewWriterSize(f, 1<<16)
	err = write(buffer)
	if err == nil {
		err = buffer.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// table writes rows of comma-separated values (RFC 4180, with line feeds) below
// a header.
func table(w io.Writer, header []string, rows func(row func(...string) error) error) error {
	out := csv.NewWriter(w)
	if err := out.Write(header); err != nil {
		return err
	}
	if err := rows(func(fields ...string) error { return out.Write(fields) }); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// account, zone and meter are what things are called.
func (n Names) account(id tx.AccountID) string { return called(n.Accounts, id) }
func (n Names) zone(id grid.ZoneID) string     { return called(n.Zones, id) }
func (n Names) meter(id grid.DeviceID) string  { return called(n.Meters, id) }

func called[ID interface {
	comparable
	~uint64
}](names map[ID]string, id ID,
) string {
	if name, ok := names[id]; ok {
		return name
	}
	return strconv.FormatUint(uint64(id), 10)
}

// utc writes a moment (RFC 3339).
func utc(t interval.Time) string { return time.Unix(int64(t), 0).UTC().Format(time.RFC3339) }

// digits writes an integer.
func digits[T ~int64](v T) string { return strconv.FormatInt(int64(v), 10) }
