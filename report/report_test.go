package report

import (
	"bytes"
	"encoding/csv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/auction"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/market"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/tx"
	"github.com/commonwatt/commonwatt/view"
)

// written writes a report and returns its folder.
func written(t *testing.T, v *view.View) (string, Summary) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	s, err := Write(t.Context(), v, town1, names, dir)
	if err != nil {
		t.Fatal(err)
	}
	return dir, s
}

func text(t *testing.T, dir, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// rows reads a file's rows by the names of their columns.
func rows(t *testing.T, dir, name string) (list []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text(t, dir, name))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, f := range fields {
			row[all[0][i]] = f
		}
		list = append(list, row)
	}
	return list
}

func amount(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFiles shows the files of three hours. Ann's first 1,000 Wh go to bob on her
// feeder at 160, and over two lines to cem and dot at 240: in the middle of what
// either side has from the utility. Dot's meter is silent for two hours, then
// tells about one of them.
func TestFiles(t *testing.T) {
	w := found(t)
	w.read(0, -1_000, 400, 500, 300)
	w.read(1, -500, 0, 0, missing)
	w.read(2, 0, 0, 0, missing)
	w.settle()
	w.read(1, missing, missing, missing, 200)
	w.settle()
	dir, s := written(t, w.view(3))
	for name, want := range map[string]string{
		"bills.csv": `
account,period,line,energy_wh,amount
ann,2016-07,neighbour_sold,1300,-208000
ann,2016-07,utility_sold,200,-16000
ann,2016-07,network_charge,200,8000
ann,2016-07,correction,0,12000
bob,2016-07,neighbour_bought,400,64000
bob,2016-07,levy,400,8000
cem,2016-07,neighbour_bought,375,90000
cem,2016-07,utility_bought,125,40000
cem,2016-07,network_charge,125,5000
cem,2016-07,levy,500,10000
dot,2016-07,neighbour_bought,525,126000
dot,2016-07,utility_bought,375,120000
dot,2016-07,network_charge,375,15000
dot,2016-07,levy,900,18000
dot,2016-07,correction,-100,-26000
utility,2016-07,utility_bought,500,-160000
utility,2016-07,utility_sold,200,16000
utility,2016-07,correction,100,8000
network,2016-07,network_charge,700,-28000
network,2016-07,neighbour_charge,1300,-72000
network,2016-07,correction,0,4000
levy,2016-07,levy,1800,-36000
levy,2016-07,correction,0,2000
`,
		"trades.csv": `
start,zone,seller,buyer,energy_wh,price,amount,class
2016-08-01T00:00:00Z,north,ann,bob,400,160,64000,any
2016-08-01T00:00:00Z,south,ann,cem,375,240,90000,any
2016-08-01T00:00:00Z,south,utility,cem,125,360,45000,any
2016-08-01T00:00:00Z,south,ann,dot,225,240,54000,any
2016-08-01T00:00:00Z,south,utility,dot,75,360,27000,any
2016-08-01T01:00:00Z,grid,ann,utility,300,80,24000,any
2016-08-01T01:00:00Z,south,ann,dot,200,240,48000,any
2016-08-01T02:00:00Z,south,utility,dot,300,360,108000,any
`,
		"intervals.csv": `
start,zone,price,supply_wh,demand_wh,traded_wh,bought_wh,sold_wh
2016-08-01T00:00:00Z,grid,,0,0,0,0,0
2016-08-01T00:00:00Z,north,160,1000,400,400,0,0
2016-08-01T00:00:00Z,south,240,0,800,600,200,0
2016-08-01T01:00:00Z,grid,,0,0,0,0,0
2016-08-01T01:00:00Z,north,160,500,0,0,0,300
2016-08-01T01:00:00Z,south,240,0,200,200,0,0
2016-08-01T02:00:00Z,grid,,0,0,0,0,0
2016-08-01T02:00:00Z,north,,0,0,0,0,0
2016-08-01T02:00:00Z,south,,0,300,0,300,0
`,
		"exceptions.csv": `
start,end,meter,reason,import_wh,export_wh,detail
2016-08-01T01:00:00Z,2016-08-01T03:00:00Z,m-dot,missing,600,0,"The readings of 2 intervals did not come, so the value of the interval before was settled: 600 Wh taken and 0 Wh given. Send what the meter says: it corrects the bill."
2016-08-01T01:00:00Z,2016-08-01T02:00:00Z,m-dot,late,200,0,The reading of one interval came after the settlement and corrected it. Check how the meter is connected if this happens often.
`,
	} {
		if got := "\n" + text(t, dir, name); got != want {
			t.Errorf("%s:%s", name, got)
		}
	}
	for what, c := range map[string]struct {
		write func(io.Writer, Summary) error
		want  string
	}{
		"table": {Table, `
member  bought kWh  sold kWh  owed EUR  alone EUR  gain EUR
───────────────────────────────────────────────────────────
ann           0.00      1.50     −0.20      −0.06      0.14
bob           0.40      0.00      0.07       0.15      0.08
cem           0.50      0.00      0.15       0.19      0.05
dot           0.80      0.00      0.25       0.30      0.05
───────────────────────────────────────────────────────────
all           1.70      1.50      0.27       0.59      0.32

4 members, 3 intervals from 2016-08-01T00:00:00Z to 2016-08-01T03:00:00Z:
1.20 kWh went from neighbour to neighbour, and together they pay 0.32 EUR less than with the utility alone.
2 exceptions to look at, in exceptions.csv.
`},
		"CSV": {CSV, `
member,import_wh,export_wh,produced_wh,neighbour_bought_wh,neighbour_sold_wh,utility_bought_wh,utility_sold_wh,owed,alone,gain
ann,0,1500,0,0,1200,0,300,-204000,-60000,144000
bob,400,0,0,400,0,0,0,72000,152000,80000
cem,500,0,0,375,0,125,0,145000,190000,45000
dot,800,0,0,425,0,375,0,253000,304000,51000
`},
	} {
		var out bytes.Buffer
		if err := c.write(&out, s); err != nil {
			t.Fatal(err)
		}
		if got := "\n" + out.String(); got != c.want {
			t.Errorf("%s:%s", what, got)
		}
	}
	if got := text(t, dir, "summary.json"); !strings.Contains(got, `"owed": 266000`) {
		t.Errorf("summary:\n%s", got)
	}
}

// TestFilesAgree lives through two days of chance by each of some rules, with meters that are silent
// and readings that come late, and compares what the files say with each other
// and with the ledger, to the unit.
func TestFilesAgree(t *testing.T) {
	for seed, rules := range []market.Rules{
		market.DefaultRules,
		{Mode: auction.Uniform, Rule: auction.ClearingRule},
		{Mode: auction.PayAsBid},
		{Mode: auction.MidMarket, MembersFirst: true},
	} {
		w := found(t)
		w.lines(grid.Line{Charge: 40, ExportLimit: 1_500, ImportLimit: 1_500, LossPPM: 30_000})
		w.block(market.SetRulesKind.Encode(market.SetRules{Microgrid: town1, Rules: rules}))
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		net := func(silence int) quantity.Energy {
			if random.IntN(100) < silence {
				return missing
			}
			return quantity.Energy(random.Int64N(4_000) - 2_000)
		}
		for n := range int64(48) {
			w.read(n, net(0), net(15), net(15), net(15))
			if random.IntN(4) == 0 {
				w.settle()
				w.read(random.Int64N(n+1), net(0), net(50), net(50))
			}
		}
		w.settle()
		dir, s := written(t, w.view(10))

		billed, total := map[string]int64{}, int64(0)
		corrections := 0
		for _, row := range rows(t, dir, "bills.csv") {
			billed[row["account"]] += amount(t, row["amount"])
			total += amount(t, row["amount"])
			if row["line"] == lineCorrection {
				corrections++
			}
		}
		if total != 0 || corrections == 0 {
			t.Errorf("rules %d: the bills sum to %d, with %d corrections", seed, total, corrections)
		}
		for a := utility; a <= dot; a++ {
			if posted := int64(ledger.BalanceOf(w.rows, a, euro).Posted); billed[names.account(a)] != -posted {
				t.Errorf("rules %d: %s is billed %d and has %d", seed, names.account(a), billed[names.account(a)], posted)
			}
		}
		for _, m := range s.Members {
			if int64(m.Owed) != billed[m.Member] || m.Gain != m.Alone-m.Owed || m.Gain < 0 {
				t.Errorf("rules %d: the summary of %s does not fit the bills: %+v", seed, m.Member, m)
			}
		}
		for _, p := range s.Payees {
			if int64(p.Owed) != billed[p.Account] {
				t.Errorf("rules %d: %s owes %d in the summary, %d in the bills", seed, p.Account, p.Owed, billed[p.Account])
			}
		}
		if s.Lost == 0 || s.Loss != quantity.MustTimes(s.Lost, 320) {
			t.Errorf("rules %d: %d Wh are lost for %d", seed, s.Lost, s.Loss)
		}
		compareTrades(t, dir, s, rules.Mode != auction.PayAsBid)
	}
}

// compareTrades compares trades with intervals, zone by zone, and with the
// summary, member by member. By some rules there is one price in a zone.
func compareTrades(t *testing.T, dir string, s Summary, onePrice bool) {
	t.Helper()
	type zone struct{ start, zone string }
	zones := map[zone][2]int64{} // Bought from neighbours and from the utility.
	soldAt := map[string]int64{} // To the utility, by start.
	bought, sold := map[string]int64{}, map[string]int64{}
	var paid int64
	for _, row := range rows(t, dir, "trades.csv") {
		e := amount(t, row["energy_wh"])
		if amount(t, row["amount"]) != e*amount(t, row["price"]) || e <= 0 {
			t.Errorf("a trade that does not multiply: %v", row)
		}
		bought[row["buyer"]] += e
		sold[row["seller"]] += e
		k := zone{row["start"], row["zone"]}
		z := zones[k]
		switch {
		case row["buyer"] == "utility":
			paid += amount(t, row["amount"])
			soldAt[row["start"]] += e
			if row["zone"] != "grid" || row["price"] != "80" {
				t.Errorf("the utility buys at the root at 80, not %v", row)
			}
		case row["seller"] == "utility":
			z[1] += e
		default:
			z[0] += e
		}
		zones[k] = z
	}
	for _, row := range rows(t, dir, "intervals.csv") {
		z := zones[zone{row["start"], row["zone"]}]
		if z[0] != amount(t, row["traded_wh"]) || z[1] != amount(t, row["bought_wh"]) {
			t.Errorf("trades say %v, intervals %v", z, row)
		}
		if onePrice && row["price"] == "" && z[0] != 0 {
			t.Errorf("neighbours traded without a price: %v", row)
		}
		soldAt[row["start"]] -= amount(t, row["sold_wh"])
	}
	for at, e := range soldAt {
		if e != 0 {
			t.Errorf("at %s trades and intervals differ by %d Wh sold to the utility", at, e)
		}
	}
	for _, m := range s.Members {
		if bought[m.Member] != int64(m.Import) || sold[m.Member] != int64(m.Export) {
			t.Errorf("%s trades %d and %d Wh, took %d and gave %d", m.Member, bought[m.Member], sold[m.Member], m.Import, m.Export)
		}
	}
	if want := 80 * int64(s.Total.UtilitySold); paid != want {
		t.Errorf("the utility pays %d in the trades, %d by its feed-in price", paid, want)
	}
}

// TestRebuiltReportIsTheSame writes a report of two views of the same receipts.
func TestRebuiltReportIsTheSame(t *testing.T) {
	w := found(t)
	w.read(0, -1_000, 400, 500, missing)
	w.settle()
	w.read(0, missing, missing, missing, 300)
	w.settle()
	one, _ := written(t, w.view(1))
	two, _ := written(t, w.view(100))
	files, err := os.ReadDir(one)
	if err != nil || len(files) != 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, f := range files {
		if text(t, one, f.Name()) != text(t, two, f.Name()) {
			t.Errorf("%s differs", f.Name())
		}
	}
}

// TestNothingSettled writes the report of a town without readings.
func TestNothingSettled(t *testing.T) {
	v := found(t).view(1)
	dir, s := written(t, v)
	for _, name := range []string{"bills.csv", "trades.csv", "intervals.csv", "exceptions.csv", "matching.csv"} {
		if n := len(rows(t, dir, name)); n != 0 {
			t.Errorf("%s has %d rows", name, n)
		}
	}
	if !strings.Contains(s.sentence(), "No interval is settled yet") {
		t.Errorf("%s", s.sentence())
	}
	if _, err := Summarize(t.Context(), v, town1+1, names); err == nil {
		t.Error("a microgrid that is not there has a summary")
	}
}

// TestFailureLeavesNothing lets the last file fail: the folder stays as it was.
func TestFailureLeavesNothing(t *testing.T) {
	w := found(t)
	w.read(0, -1_000, 400, 500, 300)
	w.settle()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "bills.csv", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), w.view(1), town1, names, dir); err == nil {
		t.Error("a folder in the way of a file was replaced")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("%d entries are left, %v", len(left), err)
	}
}

// TestStretches checks what becomes one exception, and that each says what to do.
func TestStretches(t *testing.T) {
	w := found(t)
	w.read(0, 0, 0, 0, missing)
	w.read(1, missing, 0, 0, missing)
	w.read(2, missing, 0, 0, 6_000)
	w.read(2, missing, 0, 0, 5_500)
	w.read(3, missing, 0, 0, missing)
	w.settle()
	w.read(0, missing, missing, missing, 200)
	w.read(1, missing, missing, missing, 300)
	w.settle()
	dir, s := written(t, w.view(5))
	var got []string
	for _, row := range rows(t, dir, "exceptions.csv") {
		got = append(got, strings.Join([]string{row["meter"], row["reason"], row["start"][11:13], row["end"][11:13], row["import_wh"]}, " "))
		if len(row["detail"]) < 60 || !strings.HasSuffix(row["detail"], ".") {
			t.Errorf("%s is explained by %q", row["reason"], row["detail"])
		}
	}
	want := []string{
		"m-ann missing 01 04 0",
		"m-dot missing 00 01 0", "m-dot missing 01 02 0", "m-dot missing 03 04 5500", "m-dot late 00 02 500", "m-dot above_capacity 02 03 5500",
		"m-dot above_capacity 03 04 5500", "m-dot replaced 02 03 6000",
	}
	if !slices.Equal(got, want) || s.Exceptions != int64(len(want)) {
		t.Errorf("%d exceptions: %q", s.Exceptions, got)
	}
}

func TestCalled(t *testing.T) {
	if got := names.account(tx.AccountID(1<<64 - 1)); got != "18446744073709551615" {
		t.Errorf("an account without a name is called %s", got)
	}
}

func TestFixed(t *testing.T) {
	for _, c := range []struct {
		units    int64
		decimals int
		want     string
	}{
		{0, 6, "0.00"},
		{1_234_567, 6, "1.23"},
		{1_235_000, 6, "1.24"},
		{-1_235_000, 6, "−1.24"},
		{-4_999, 6, "0.00"},
		{-5_000, 6, "−0.01"},
		{7, 0, "7.00"},
		{75, 1, "7.50"},
		{5, 2, "0.05"},
		{999_995_000, 6, "1000.00"},
		{-1 << 63, 0, "−9223372036854775808.00"},
		{1<<63 - 1, 18, "9.22"},
	} {
		if got := fixed(c.units, c.decimals); got != c.want {
			t.Errorf("%d with %d decimals is %s, want %s", c.units, c.decimals, got, c.want)
		}
	}
}
