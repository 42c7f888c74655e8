package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Seventeen real homes with solar. In fontana-free.toml lines cost nothing, so
// what neighbours trade is as much as there is on either side.
const (
	fontanaFree   = "../../examples/fontana-free.toml"
	fontanaLines  = "../../examples/fontana.toml"
	fontanaFeedIn = 80 // Units per Wh.
)

// shared is a file of Fontana's data, which is not part of the repository.
func shared(t *testing.T, name string) string {
	t.Helper()
	return sharedOf(t, "fontana", name)
}

// sharedOf is a file of the data that is not part of the repository.
func sharedOf(t *testing.T, set, name string) string {
	t.Helper()
	folder := os.Getenv("COMMONWATT_SHARED")
	if folder == "" {
		folder = "../../../shared"
	}
	path := filepath.Join(folder, "data", set, name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not there: the data is not part of the repository; COMMONWATT_SHARED may name its folder", path)
	}
	return path
}

// hours are readings of one kind of meters: by start, then member.
type hours map[string]map[string]reading

// reading is what a home took and gave in an hour, in Wh.
type reading struct{ taken, given int64 }

// fontanaMonth writes the rows of a month, or all with "", to a file of their own,
// and returns what the connection points measured by an own reading of the CSV.
func fontanaMonth(t *testing.T, month string) (path string, homes hours) {
	t.Helper()
	in, err := os.Open(shared(t, "readings.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	unzip, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "readings.csv")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	buffer := bufio.NewWriter(out)
	homes = hours{}
	lines := bufio.NewScanner(unzip)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ",")
		if fields[0] != "meter" && !strings.HasPrefix(fields[1], month) {
			continue
		}
		if _, err := buffer.WriteString(lines.Text() + "\n"); err != nil {
			t.Fatal(err)
		}
		if fields[0] == "meter" || strings.HasSuffix(fields[0], "-pv") {
			continue
		}
		start := inUTC(t, fields[1])
		if homes[start] == nil {
			homes[start] = map[string]reading{}
		}
		homes[start][fields[0]] = reading{number(t, fields[3]), number(t, fields[4])}
	}
	if err := errors.Join(lines.Err(), buffer.Flush(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return path, homes
}

func inUTC(t *testing.T, text string) string {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at.UTC().Format(time.RFC3339)
}

// fontanaRetail reads the supplier's price of every hour, in units per Wh.
func fontanaRetail(t *testing.T) map[string]int64 {
	t.Helper()
	prices := map[string]int64{}
	for _, row := range table(t, shared(t, "tariff.csv")) {
		perKWh, ok := new(big.Rat).SetString(row["usd_per_kwh"])
		if !ok {
			t.Fatal(row)
		}
		perWh := perKWh.Mul(perKWh, big.NewRat(1000, 1)) // 10⁶ units a dollar, 10³ Wh a kWh.
		if !perWh.IsInt() {
			t.Fatal(row)
		}
		prices[inUTC(t, row["start"])] = perWh.Num().Int64()
	}
	return prices
}

// A month of the neighbourhood is what pencil and paper make of it: the energy
// that neighbours trade, every bill, and nobody's loss.
func TestFontanaMonth(t *testing.T) {
	if testing.Short() {
		t.Skip("a month of seventeen homes takes seconds")
	}
	path, homes := fontanaMonth(t, "2016-09")
	dir := t.TempDir()
	must(t, "settle", fontanaFree, "--readings", path, "--out", dir)
	checkFontana(t, dir, homes)
	must(t, "verify", dir)
}

// checkFontana computes again what a folder holds, from the readings, the prices
// and the trades.
func checkFontana(t *testing.T, dir string, homes hours) {
	t.Helper()
	retail := fontanaRetail(t)
	traded, possible := int64(0), int64(0)
	owed, left := map[string]int64{}, hours{}
	for start, members := range homes {
		var supply, demand int64
		left[start] = map[string]reading{}
		for name, r := range members {
			supply, demand = supply+r.given, demand+r.taken
			left[start][name] = r
		}
		possible += min(supply, demand)
	}
	for _, row := range tradesOf(t, dir) {
		start, energy, price, amount := row.start, row.energy, row.price, row.amount
		want := price
		switch {
		case row.seller == "utility":
			want = retail[start]
		case row.buyer == "utility":
			want = fontanaFeedIn
		default:
			traded += energy
		}
		if amount != energy*price || price != want || price < fontanaFeedIn || price > retail[start] {
			t.Fatalf("%+v: the supplier takes %d and gives %d", row, retail[start], fontanaFeedIn)
		}
		owed[row.buyer] += amount
		owed[row.seller] -= amount
		move(left[start], row.buyer, reading{taken: energy})
		move(left[start], row.seller, reading{given: energy})
	}
	if traded != possible || traded == 0 {
		t.Errorf("neighbours traded %d Wh of %d", traded, possible)
	}
	for start, members := range left {
		for name, r := range members {
			if r != (reading{}) {
				t.Fatalf("%s %s: %+v Wh were measured and not traded, or the other way round", start, name, r)
			}
		}
	}
	billsAre(t, dir, owed)
	gains(t, dir, homes, retail, owed)
	if !bytes.Contains(read(t, dir, "exceptions.csv"), []byte(",b15-pv,")) {
		t.Error("nobody is told of b15's dead solar")
	}
}

// move takes a trade off what a member measured. The utility measures nothing.
func move(members map[string]reading, name string, r reading) {
	if was, ok := members[name]; ok {
		members[name] = reading{was.taken - r.taken, was.given - r.given}
	}
}

// trade is a row of trades.csv.
type trade struct {
	start, seller, buyer  string
	energy, price, amount int64
}

func tradesOf(t *testing.T, dir string) (trades []trade) {
	t.Helper()
	in := csv.NewReader(bytes.NewReader(read(t, dir, "trades.csv")))
	for {
		f, err := in.Read()
		if errors.Is(err, io.EOF) {
			return trades
		}
		if err != nil {
			t.Fatal(err)
		}
		if f[0] != "start" {
			trades = append(trades, trade{f[0], f[2], f[3], number(t, f[4]), number(t, f[5]), number(t, f[6])})
		}
	}
}

// billsAre compares the bills with what the trades come to, account by account,
// and their sum with zero.
func billsAre(t *testing.T, dir string, owed map[string]int64) {
	t.Helper()
	var sum int64
	for account, amount := range billed(t, dir) {
		sum += amount
		if owed[account] != amount {
			t.Errorf("%s is billed %d, its trades come to %d", account, amount, owed[account])
		}
	}
	if sum != 0 {
		t.Errorf("the bills sum to %d", sum)
	}
}

// gains compares what each member gains over the supplier alone with what the
// summary says, and expects no loss.
func gains(t *testing.T, dir string, homes hours, retail, owed map[string]int64) {
	t.Helper()
	alone := map[string]int64{}
	for start, members := range homes {
		for name, r := range members {
			alone[name] += r.taken*retail[start] - r.given*fontanaFeedIn
		}
	}
	s := summaryOf(t, string(read(t, dir, "summary.json")))
	if len(s.Members) != 17 {
		t.Errorf("%d members", len(s.Members))
	}
	for _, m := range s.Members {
		if gain := alone[m.Member] - owed[m.Member]; gain < 0 || gain != int64(m.Gain) {
			t.Errorf("%s gains %d, the summary says %d", m.Member, gain, m.Gain)
		}
	}
}

// A year, with lines and without, in a process of its own whose time and memory
// are known.
func TestFontanaYear(t *testing.T) {
	if os.Getenv("COMMONWATT_FONTANA") == "" {
		t.Skip("the whole year runs with COMMONWATT_FONTANA=1, as make fontana does")
	}
	readings := shared(t, "readings.csv.gz")
	_, homes := fontanaMonth(t, "")
	for _, file := range []string{fontanaFree, fontanaLines, fontanaGreen(t)} {
		dir := t.TempDir()
		for _, args := range [][]string{{"settle", file, "--readings", readings, "--out", dir}, {"verify", dir}} {
			cmd := program(t, args...)
			cmd.Stderr = os.Stderr
			began := time.Now()
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			usage, _ := cmd.ProcessState.SysUsage().(*syscall.Rusage)
			t.Logf("%s %s: %.1f s, %d MiB at most\n%s", args[0], filepath.Base(file), time.Since(began).Seconds(), usage.Maxrss>>10, out)
		}
		switch file {
		case fontanaFree:
			checkFontana(t, dir, homes)
		default:
			checkCertificates(t, dir, "")
		}
	}
}
