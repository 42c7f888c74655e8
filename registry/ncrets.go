package registry

import (
	"encoding/csv"
	"io"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// monthlyColumns are the fields of generation by month (NC-RETS, Report Generation Data by
// a Qualified Reporting Entity: Meter Data Loading Module).
var monthlyColumns = []string{"PROJECTID", "REPORTINGENTITYID", "VINTAGE", "FROMDATE", "TODATE", "TOTALMWH"}

const kWh quantity.Energy = 1000

// Monthly sums generation to months in UTC, in whole kWh, since a MWh has three decimals
// there. What is less than a kWh is carried to the device's next month; what is left after
// the last one is left.
func Monthly(list []Generation) (months, left []Generation) {
	var carry quantity.Energy
	all := sorted(monthTotals(list))
	for n, m := range all {
		if n > 0 && all[n-1].Device != m.Device {
			carry = 0
		}
		m.End = nextMonth(m.Start)
		m.Energy += carry
		carry = m.Energy % kWh
		m.Energy -= carry
		if m.Energy > 0 {
			months = append(months, m)
		}
		if carry > 0 && (n+1 == len(all) || all[n+1].Device != m.Device) {
			left = append(left, Generation{m.Device, m.Start, m.End, carry})
		}
	}
	return months, left
}

// WriteMonthly writes generation as NC-RETS takes it, month by month, as Monthly sums it.
//
// Errors: that of out.
func WriteMonthly(out io.Writer, list []Generation) error {
	months, _ := Monthly(list)
	w := csv.NewWriter(out)
	if err := w.Write(monthlyColumns); err != nil {
		return err
	}
	for _, m := range months {
		if no := plain("device", m.Device); no != nil {
			return no
		}
		err := w.Write([]string{
			m.Device, m.Device, at(m.Start).Format(americanVintage), at(m.Start).Format(american), at(m.End - 1).Format(american), decimal(m.Energy/kWh, 3),
		})
		if err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// ReadMonthly reads what WriteMonthly writes.
//
// Errors: *Refused; the error of in.
func ReadMonthly(file string, in io.Reader) ([]Generation, error) {
	raw, err := readAll(file, in)
	if err != nil {
		return nil, err
	}
	sums := map[Generation]quantity.Energy{}
	err = rows(file, raw, monthlyColumns, true, runsMax, func(_ int, f []string) *flaw {
		g, no := monthOf(f)
		if no != nil {
			return no
		}
		k := Generation{Device: g.Device, Start: g.Start, End: g.End}
		if _, twice := sums[k]; twice {
			return &flaw{"VINTAGE", f[2], "is there twice for the project", "Keep one of the two"}
		}
		sums[k] = g.Energy
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sorted(sums), nil
}

// monthOf is what a row says.
func monthOf(f []string) (g Generation, no *flaw) {
	var p parser
	var from, to interval.Time
	g.Device = f[0]
	p.keep(plain("PROJECTID", f[0]))
	if f[0] == "" || f[1] != f[0] {
		p.keep(&flaw{"REPORTINGENTITYID", f[1], "is not the project's", "Write the project's id in both"})
	}
	if f[2] == "" {
		p.keep(&flaw{"VINTAGE", "", "is missing", ""})
	}
	p.day("VINTAGE", f[2], americanVintage, &g.Start)
	p.day("FROMDATE", f[3], american, &from)
	p.day("TODATE", f[4], american, &to)
	p.decimal("TOTALMWH", f[5], 3, &g.Energy)
	g.End = nextMonth(g.Start)
	switch {
	case p.flaw != nil:
	case from != g.Start:
		p.flaw = &flaw{"FROMDATE", f[3], "is not the first day of the vintage", ""}
	case to != g.End-86400:
		p.flaw = &flaw{"TODATE", f[4], "is not the last day of the vintage", ""}
	case g.Energy == 0 || g.Energy > whMax/kWh/runsMax:
		p.flaw = &flaw{"TOTALMWH", f[5], "is nothing, or more than any plant produces in a month", ""}
	}
	g.Energy *= kWh
	return g, p.flaw
}
