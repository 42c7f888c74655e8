package registry

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// Generation is what a device produced in a period, for registries that issue their own
// certificates of it.
type Generation struct {
	Device     string
	Start, End interval.Time
	Energy     quantity.Energy
}

const hour = 3600

// hoursMax bounds a file of hours: ten devices' twelve years.
const hoursMax = 1 << 20

// Generated sums runs by device and period.
func Generated(runs []Run) []Generation {
	sums := map[Generation]quantity.Energy{}
	for n := range runs {
		r := &runs[n]
		sums[Generation{Device: r.Device.ID, Start: r.Start, End: r.End}] += r.Energy()
	}
	return sorted(sums)
}

func sorted(sums map[Generation]quantity.Energy) []Generation {
	var list []Generation
	for g, e := range maps.All(sums) {
		g.Energy = e
		list = append(list, g)
	}
	slices.SortFunc(list, func(a, b Generation) int {
		return cmp.Or(cmp.Compare(a.Device, b.Device), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
	return list
}

// hourlyColumns are the fields of hourly generation (M-RETS Operating Procedures
// §4.4.1), without a header in M-RETS' own sample.
var hourlyColumns = []string{"Generator ID", "Reporting Unit ID", "Date of Generation", "Total MWh", "Hour of Generation", "Total kWh"}

// Hourly sums generation to hours of the clock in UTC, with all hours of the months that
// it is in: M-RETS refuses a file that leaves one out.
//
// Errors: a period that is not within an hour; more hours than hoursMax.
func Hourly(list []Generation) ([]Generation, error) {
	sums := map[Generation]quantity.Energy{}
	months := map[Generation]bool{}
	for _, g := range list {
		start := g.Start - g.Start%hour
		if g.End > start+hour {
			return nil, fmt.Errorf("%s: the period from %s to %s is not within an hour", g.Device, rfc3339(g.Start), rfc3339(g.End))
		}
		sums[Generation{Device: g.Device, Start: start, End: start + hour}] += g.Energy
		months[Generation{Device: g.Device, Start: vintageOf(start + hour)}] = true
		if len(months) > hoursMax/(31*24) {
			return nil, fmt.Errorf("there are more than %d hours in these months", hoursMax)
		}
	}
	for m := range maps.Keys(months) {
		for at, end := m.Start, nextMonth(m.Start); at < end; at += hour {
			sums[Generation{Device: m.Device, Start: at, End: at + hour}] += 0
		}
	}
	return sorted(sums), nil
}

func nextMonth(first interval.Time) interval.Time {
	return interval.Time(at(first).AddDate(0, 1, 0).Unix())
}

// WriteHourly writes generation as M-RETS takes it, hour by hour. Hours count from 1; the
// day is that of UTC.
//
// Errors: those of Hourly; that of out.
func WriteHourly(out io.Writer, list []Generation) error {
	hours, err := Hourly(list)
	if err != nil {
		return err
	}
	totals := monthTotals(hours)
	b := bufio.NewWriter(out)
	w := csv.NewWriter(b)
	for _, g := range hours {
		if no := plain("device", g.Device); no != nil {
			return no
		}
		total := totals[Generation{Device: g.Device, Start: vintageOf(g.End)}]
		err := w.Write([]string{
			g.Device, g.Device, at(g.Start).Format(american), decimal(total, 6), strconv.Itoa(at(g.Start).Hour() + 1), decimal(g.Energy, 3),
		})
		if err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return b.Flush()
}

// monthTotals sums generation by device and month.
func monthTotals(list []Generation) map[Generation]quantity.Energy {
	totals := map[Generation]quantity.Energy{}
	for _, g := range list {
		totals[Generation{Device: g.Device, Start: vintageOf(g.End)}] += g.Energy
	}
	return totals
}

// ReadHourly reads what WriteHourly writes: all hours of months, each once, which sum to
// the total that each of them names.
//
// Errors: *Refused; the error of in.
func ReadHourly(file string, in io.Reader) ([]Generation, error) {
	raw, err := readAll(file, in)
	if err != nil {
		return nil, err
	}
	said := map[Generation]quantity.Energy{} // The totals, by month.
	last := map[Generation]int{}             // The last line of each month.
	sums := map[Generation]quantity.Energy{}
	err = rows(file, raw, hourlyColumns, false, hoursMax, func(line int, f []string) *flaw {
		g, total, no := hourOf(f)
		if no != nil {
			return no
		}
		month := Generation{Device: g.Device, Start: vintageOf(g.End)}
		if was, known := said[month]; known && was != total {
			return &flaw{"Total MWh", f[3], "is another total than the month has in other lines", ""}
		}
		said[month], last[month] = total, line
		k := Generation{Device: g.Device, Start: g.Start, End: g.End}
		if _, twice := sums[k]; twice {
			return &flaw{"Hour of Generation", f[4], "is there twice on " + f[2], "Keep one of the two"}
		}
		sums[k] = g.Energy
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := sorted(sums)
	return list, complete(file, list, said, last)
}

// hourOf is what a row says.
func hourOf(f []string) (g Generation, total quantity.Energy, no *flaw) {
	var p parser
	var n uint64
	g.Device = f[0]
	p.keep(plain("Generator ID", f[0]))
	if f[0] == "" || f[1] != f[0] {
		p.keep(&flaw{"Reporting Unit ID", f[1], "is not the generator's", "Write the generator's id in both"})
	}
	if f[2] == "" {
		p.keep(&flaw{"Date of Generation", "", "is missing", ""})
	}
	p.day("Date of Generation", f[2], american, &g.Start)
	p.decimal("Total MWh", f[3], 6, &total)
	p.number("Hour of Generation", f[4], &n)
	p.decimal("Total kWh", f[5], 3, &g.Energy)
	switch {
	case p.flaw != nil:
	case n < 1 || n > 24:
		p.flaw = &flaw{"Hour of Generation", f[4], "is none of 1 to 24", ""}
	case g.Energy > whMax/hoursMax:
		p.flaw = &flaw{"Total kWh", f[5], "is more than any plant produces in an hour", ""}
	}
	g.Start += interval.Time(n) * hour
	g.Start -= hour
	g.End = g.Start + hour
	return g, total, p.flaw
}

// complete refuses months with an hour that is missing, or with another sum than they say.
func complete(file string, hours []Generation, said map[Generation]quantity.Energy, last map[Generation]int) error {
	totals, count := monthTotals(hours), map[Generation]interval.Time{}
	for _, g := range hours {
		count[Generation{Device: g.Device, Start: vintageOf(g.End)}]++
	}
	for _, m := range sorted(said) {
		k := Generation{Device: m.Device, Start: m.Start}
		month := at(m.Start).Format(vintage)
		switch want := (nextMonth(m.Start) - m.Start) / hour; {
		case count[k] != want:
			return &Refused{
				file, last[k], "Hour of Generation", m.Device, fmt.Sprintf("has %d of the %d hours of %s", count[k], want, month),
				"Write all of them, with 0 where nothing was generated",
			}
		case totals[k] != said[k]:
			return &Refused{
				file, last[k], "Total MWh", m.Device, fmt.Sprintf("has hours of %s MWh in %s, and says %s", decimal(totals[k], 6), month, decimal(said[k], 6)),
				"Ask which of them is right",
			}
		}
	}
	return nil
}
