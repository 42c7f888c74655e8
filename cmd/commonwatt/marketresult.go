package main

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/quantity"
)

// Rows of a result as JSON, docs/market.md.
type (
	priceRow struct {
		Zone  string         `json:"zone"`
		Class string         `json:"class"`
		Price quantity.Price `json:"price"`
		Stage string         `json:"stage"`
	}
	fillRow struct {
		Order    string          `json:"order"`
		EnergyWh quantity.Energy `json:"energy_wh"`
		Price    quantity.Price  `json:"price"`
		Amount   quantity.Money  `json:"amount"`
		Stage    string          `json:"stage"`
	}
	flowRow struct {
		Zone     string          `json:"zone"`
		ImportWh quantity.Energy `json:"import_wh"`
		ExportWh quantity.Energy `json:"export_wh"`
	}
	utilityRow struct {
		SoldWh   quantity.Energy `json:"sold_wh"`
		BoughtWh quantity.Energy `json:"bought_wh"`
	}
	supportRow struct {
		Zone  string         `json:"zone"`
		Price quantity.Price `json:"price"`
	}
)

// layout writes JSON with one row of an array per line, so that two results
// compare line by line. The first error of the writer stays.
type layout struct {
	to  *bufio.Writer
	err error
}

func (l *layout) text(s string) {
	if l.err == nil {
		_, l.err = l.to.WriteString(s)
	}
}

func (l *layout) value(v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // Rows are strings and integers.
	}
	l.text(string(raw))
}

// rows writes an array of n rows at the given indentation.
func (l *layout) rows(indent string, n int, row func(i int) any) {
	l.text("[")
	for i := range n {
		if i > 0 {
			l.text(",")
		}
		l.text("\n" + indent + " ")
		l.value(row(i))
	}
	l.text("]")
}

func (l *layout) flows(indent string, b *auction.Book, flows []auction.Flow) {
	l.rows(indent, len(flows), func(i int) any {
		f := flows[i]
		return flowRow{b.Zones[f.Zone].ID, f.Import, f.Export}
	})
}

// writeResultJSON writes r, the result of b.
func writeResultJSON(to io.Writer, b *auction.Book, r *auction.Result) error {
	l := &layout{to: bufio.NewWriter(to)}
	l.text(`{"prices":`)
	l.rows(" ", len(r.Prices), func(i int) any {
		p := r.Prices[i]
		return priceRow{b.Zones[p.Zone].ID, classNames[p.Class], p.Price, stageNames[p.Stage]}
	})
	l.text(",\n \"fills\":")
	l.rows(" ", len(r.Fills), func(i int) any {
		f := r.Fills[i]
		return fillRow{b.Orders[f.Order].ID, f.Energy, f.Price, f.Amount, stageNames[f.Stage]}
	})
	l.text(",\n \"utility\":")
	l.value(utilityRow{r.UtilitySold, r.UtilityBought})
	l.text(",\n \"flows\":")
	l.flows(" ", b, r.Flows)
	l.text(fmt.Sprintf(",\n \"welfare\":%d,\n \"network_revenue\":%d,\n \"proof\":[", r.Welfare, r.NetworkRevenue))
	for i := range r.Stages {
		if i > 0 {
			l.text(",")
		}
		l.stage(b, &r.Stages[i])
	}
	l.text("]}\n")
	if l.err != nil {
		return l.err
	}
	return l.to.Flush()
}

// stage writes what the check of one stage needs.
func (l *layout) stage(b *auction.Book, s *auction.StageProof) {
	l.text("\n  {\"stage\":")
	l.value(stageNames[s.Stage])
	l.text(fmt.Sprintf(",\"premium\":%d,\"utility\":", s.Premium))
	l.value(utilityRow{s.Sold, s.Bought})
	l.text(",\n   \"prices\":")
	l.rows("   ", len(s.Prices), func(i int) any { return supportRow{b.Zones[i].ID, s.Prices[i]} })
	l.text(",\n   \"flows\":")
	l.flows("   ", b, s.Flows)
	l.text("}")
}

// writeResultCSV writes the fills of r with what their orders said.
func writeResultCSV(to io.Writer, b *auction.Book, r *auction.Result) error {
	w := csv.NewWriter(to)
	rows := [][]string{{"order", "owner", "zone", "side", "class", "stage", "energy_wh", "price", "amount"}}
	for _, f := range r.Fills {
		o := &b.Orders[f.Order]
		rows = append(rows, []string{
			o.ID, b.Owners[o.Owner], b.Zones[o.Zone].ID, sideNames[o.Side], classNames[o.Class], stageNames[f.Stage],
			decimal(f.Energy), decimal(f.Price), decimal(f.Amount),
		})
	}
	return w.WriteAll(rows)
}

func decimal[T quantity.Amount](v T) string { return strconv.FormatInt(int64(v), 10) }

// writeResultTable writes r for people.
func writeResultTable(to io.Writer, b *auction.Book, r *auction.Result) error {
	w := bufio.NewWriter(to)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(format string, values ...any) {
		// A failed write stays in w and comes out of its Flush.
		_, _ = fmt.Fprintf(t, format+"\n", values...)
	}
	line("STAGE\tZONE\tCLASS\tPRICE")
	for _, p := range r.Prices {
		line("%s\t%s\t%s\t%d", stageNames[p.Stage], b.Zones[p.Zone].ID, classNames[p.Class], p.Price)
	}
	line("\nSTAGE\tORDER\tOWNER\tSIDE\tWH\tPRICE\tAMOUNT")
	for _, f := range r.Fills {
		o := &b.Orders[f.Order]
		line("%s\t%s\t%s\t%s\t%d\t%d\t%d",
			stageNames[f.Stage], o.ID, b.Owners[o.Owner], sideNames[o.Side], f.Energy, f.Price, f.Amount)
	}
	line("\nZONE\tIMPORT WH\tEXPORT WH")
	for _, f := range r.Flows {
		line("%s\t%d\t%d", b.Zones[f.Zone].ID, f.Import, f.Export)
	}
	line("\nutility sold\t%d Wh\nutility bought\t%d Wh\nwelfare\t%d\nnetwork revenue\t%d",
		r.UtilitySold, r.UtilityBought, r.Welfare, r.NetworkRevenue)
	if err := t.Flush(); err != nil {
		return err
	}
	return w.Flush()
}
