package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/report"
)

// What the tests settle again and again: the example, made by nobody in a hurry.
const (
	riverside         = "../../examples/riverside.toml"
	riversideReadings = "../../examples/riverside.csv.gz"
)

// resultFiles is what two runs are compared by.
var resultFiles = []string{"bills.csv", "trades.csv", "intervals.csv", "exceptions.csv", "matching.csv", "summary.json"}

// commonwatt runs a command line within the test and returns what it printed and
// the code it ended with.
func commonwatt(args ...string) (out, errs string, code int) {
	var stdout, stderr bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&stdout)
	root.SetErr(&stderr)
	err := root.Execute()
	if err != nil {
		stderr.WriteString(err.Error())
	}
	return stdout.String(), stderr.String(), exitCode(err)
}

// must runs a command line that has to succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, code := commonwatt(args...)
	if code != 0 {
		t.Fatalf("commonwatt %s: exit %d: %s", strings.Join(args, " "), code, errs)
	}
	return out
}

// settleRiverside settles readings of the example in a folder.
func settleRiverside(t *testing.T, dir string, readings ...string) report.Summary {
	t.Helper()
	args := []string{"settle", riverside, "--out", dir, "-o", "json"}
	for _, file := range readings {
		args = append(args, "--readings", file)
	}
	return summaryOf(t, must(t, args...))
}

func summaryOf(t *testing.T, text string) (s report.Summary) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatalf("the output is no JSON: %v\n%.200s", err, text)
	}
	return s
}

// sameResults compares what two runs left, byte by byte.
func sameResults(t *testing.T, a, b string, files ...string) {
	t.Helper()
	for _, name := range files {
		if !bytes.Equal(read(t, a, name), read(t, b, name)) {
			t.Errorf("%s differs", name)
		}
	}
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// parts deals the rows of the example to files, each to the one that pick says,
// and returns their names; a row that it gives a number below zero is left out.
func parts(t *testing.T, count int, pick func(row string) int) []string {
	t.Helper()
	in, err := os.Open(riversideReadings)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	unzip, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unzip)
	if err != nil {
		t.Fatal(err)
	}
	header, rows, _ := strings.Cut(string(text), "\n")
	contents, names := make([]strings.Builder, count), make([]string, count)
	for row := range strings.Lines(rows) {
		if n := pick(row); n >= 0 {
			contents[n].WriteString(row)
		}
	}
	for n := range names {
		names[n] = filepath.Join(t.TempDir(), "part.csv")
		if err := os.WriteFile(names[n], []byte(header+"\n"+contents[n].String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// day is the day of March of a row.
func day(row string) int {
	n, _ := strconv.Atoi(strings.Split(row, ",")[1][len("2026-03-"):len("2026-03-00")])
	return n
}

// A week that comes in three parts ends the same, byte by byte, as a week that
// comes at once, also when a part overlaps the one before.
func TestSettleGoesOn(t *testing.T) {
	once, often := t.TempDir(), t.TempDir()
	settleRiverside(t, once, riversideReadings)
	files := parts(t, 3, func(row string) int { return max(0, min(day(row)-24, 4)) / 2 })
	settleRiverside(t, often, files[0])
	settleRiverside(t, often, files[0], files[1])
	settleRiverside(t, often, files[2], files[1])
	sameResults(t, once, often, resultFiles...)
	must(t, "verify", often)
}

// Readings that come after their intervals were settled end, for everybody, where
// they would have ended in time.
func TestSettleCorrects(t *testing.T) {
	once, late := t.TempDir(), t.TempDir()
	want := settleRiverside(t, once, riversideReadings)
	files := parts(t, 2, func(row string) int {
		if strings.HasPrefix(row, "anna,") && day(row) == 25 || strings.HasPrefix(row, "henri,") && day(row) == 26 {
			return 1
		}
		return 0
	})
	before := settleRiverside(t, late, files[0])
	if before.Total.Estimated == 0 || before.Total == want.Total {
		t.Fatalf("nothing was missed: %+v", before.Total)
	}
	after := settleRiverside(t, late, files[1])
	if after.Total != want.Total || after.Corrected == 0 {
		t.Errorf("after the correction of %d intervals:\n%+v, in time\n%+v", after.Corrected, after.Total, want.Total)
	}
	sameResults(t, once, late, "trades.csv", "intervals.csv")
	inTime, corrected := billed(t, once), billed(t, late)
	if len(inTime) != len(corrected) {
		t.Error("other accounts")
	}
	for account, amount := range inTime {
		if corrected[account] != amount {
			t.Errorf("%s is billed %d, in time %d", account, corrected[account], amount)
		}
	}
	if !strings.Contains(string(read(t, late, "bills.csv")), ",correction,") {
		t.Error("no line is a correction")
	}
	must(t, "verify", late)
}

// billed sums the bills by account.
func billed(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	sums := map[string]int64{}
	for _, row := range table(t, dir, "bills.csv") {
		sums[row["account"]] += number(t, row["amount"])
	}
	return sums
}

// table reads a CSV of results, each row by the names of its columns.
func table(t *testing.T, path ...string) (rows []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(bytes.NewReader(read(t, path...))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range all[1:] {
		row := make(map[string]string, len(fields))
		for i, name := range all[0] {
			row[name] = fields[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func number(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A command that is interrupted or killed at any moment goes on when it runs
// again, to the same bytes, and verify takes what it left for nothing else than
// it is.
func TestSettleInterrupted(t *testing.T) {
	once, often := t.TempDir(), t.TempDir()
	settleRiverside(t, once, riversideReadings)
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	blows := 6
	if testing.Short() {
		blows = 2
	}
	for n := range blows {
		how := []os.Signal{syscall.SIGKILL, syscall.SIGINT}[n%2]
		if struck(t, often, how, time.Duration(20+random.IntN(300))*time.Millisecond) {
			continue
		}
		sameResults(t, once, often, resultFiles...) // It was done before.
		often = t.TempDir()
	}
	settleRiverside(t, often, riversideReadings)
	sameResults(t, once, often, resultFiles...)
	must(t, "verify", often)
}

// struck runs settle in a process that gets a signal after a while, and reports
// whether it was in time to end it.
func struck(t *testing.T, dir string, how os.Signal, after time.Duration) bool {
	t.Helper()
	cmd := program(t, "settle", riverside, "--readings", riversideReadings, "--out", dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	blow := time.AfterFunc(after, func() { _ = cmd.Process.Signal(how) })
	err := cmd.Wait()
	blow.Stop()
	if err == nil {
		return false
	}
	if cmd.ProcessState.ExitCode() == exitFailed && !strings.Contains(errs.String(), errInterrupted.Error()) {
		t.Errorf("interrupted, it says %q", errs.String())
	}
	_, said, code := commonwatt("verify", dir)
	switch {
	case code == 0: // Struck before it began, or after it was done.
	case code == exitFailed && strings.Contains(said, "bears no seal"):
	case code == exitBadInput && strings.Contains(said, "no ledger"):
	default:
		t.Errorf("struck after %v, verify ends with %d: %s", after, code, said)
	}
	return true
}

// program is a command line as a process of its own: this program under another
// name.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "commonwatt")
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	return exec.Command(name, args...)
}

// While one command uses a folder, another one says so and leaves it alone.
func TestOneCommandAtATime(t *testing.T) {
	dir := t.TempDir()
	settleRiverside(t, dir, riversideReadings)
	release, err := lockFolder(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"settle", riverside, "--readings", riversideReadings, "--out", dir},
		{"settle", riverside, "--readings", riversideReadings, "--out", dir, "--dry-run"},
		{"verify", dir},
		{"status", dir},
	} {
		out, errs, code := commonwatt(args...)
		if code != 1 || out != "" || !strings.Contains(errs, "another command is using this folder: wait") {
			t.Errorf("%s: exit %d, %q, %q", args[0], code, out, errs)
		}
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	must(t, "verify", dir)
}

// What is printed for programs is JSON and nothing else, and no colour is in
// anything.
func TestOutputForPrograms(t *testing.T) {
	dir := t.TempDir()
	settleRiverside(t, dir, riversideReadings)
	for _, args := range [][]string{
		{"settle", riverside, "--readings", riversideReadings, "--out", dir},
		{"verify", dir},
		{"status", dir},
		{"version"},
		{"market", "clear", "../../examples/market/island.json"},
	} {
		for _, output := range outputs {
			out := must(t, append(args, "-o", output)...)
			if output == "json" && !json.Valid([]byte(out)) {
				t.Errorf("%s: %.100q is no JSON", args[0], out)
			}
			if strings.Contains(out, "\x1b") || out == "" {
				t.Errorf("%s -o %s: %.100q", args[0], output, out)
			}
		}
	}
}
