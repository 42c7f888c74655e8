package gateway_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
)

// write puts rows (without header) into files a.csv, b.csv, … and returns their paths.
func write(t testing.TB, contents ...string) (files []string) {
	t.Helper()
	dir := t.TempDir()
	for i, content := range contents {
		file := filepath.Join(dir, string(rune('a'+i))+".csv")
		if err := writeFile(file, gateway.Header+"\n"+content); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func writeFile(file, text string) error { return os.WriteFile(file, []byte(text), 0o600) }

func TestLoadSortsAndDropsRepeats(t *testing.T) {
	files := write(t,
		"bob,2026-06-20T17:00:00Z,60,3,0,A\nann,2026-06-20T16:00:00Z,60,1,0,A\n",
		"ann,2026-06-20T18:00:00+02:00,60,1,0,A\nann,2026-06-20T17:00:00Z,60,2,0,E\n",
	)
	var told []string
	got, err := gateway.Load(files, gateway.Expect{}, func(read, total int64) { told = append(told, fmt.Sprint(read == total)) })
	want := []gateway.Reading{
		{Meter: "ann", Start: hour, Length: interval.Minutes60, Import: 1, Quality: 'A'},
		{Meter: "ann", Start: hour + 3600, Length: interval.Minutes60, Import: 2, Quality: 'E'},
		{Meter: "bob", Start: hour + 3600, Length: interval.Minutes60, Import: 3, Quality: 'A'},
	}
	if err != nil || !slices.Equal(got.Readings, want) {
		t.Fatalf("got %v, %v; want %v", got, err, want)
	}
	if len(told) == 0 || told[0] != "false" || told[len(told)-1] != "true" {
		t.Fatalf("progress ended before or after the last byte: %v", told)
	}
}

func TestLoadRefuses(t *testing.T) {
	for _, test := range []struct{ name, a, b, want string }{
		{
			"contradiction", "ann,2026-06-20T16:00:00Z,60,1,0,A\n", "ann,2026-06-20T16:00:00Z,60,2,0,A\n",
			`b.csv:2: meter: "ann" says 2,0,A for 2026-06-20T16:00:00Z and DIR/a.csv:2 says 1,0,A. Keep the right one of the two rows; nothing was booked.`,
		},
		{
			"other quality", "ann,2026-06-20T16:00:00Z,60,1,0,A\n", "ann,2026-06-20T16:00:00Z,60,1,0,E\n",
			`"ann" says 1,0,E for 2026-06-20T16:00:00Z and DIR/a.csv:2 says 1,0,A`,
		},
		{
			"overlap", "ann,2026-06-20T16:00:00Z,60,1,0,A\nbob,2026-06-20T16:30:00Z,30,1,0,A\n", "ann,2026-06-20T16:45:00Z,15,2,0,A\n",
			`b.csv:2: meter: "ann" covers time that DIR/a.csv:2 covers too. Keep one of the two`,
		},
		{"too many rows", strings.Repeat("ann,2026-06-20T16:00:00Z,60,1,0,A\n", 9), "", `a.csv:10: is more than the 8 rows that are read at once`},
		{"bad second file", "ann,2026-06-20T16:00:00Z,60,1,0,A\n", "x\n", `b.csv:2: "x" has 1 fields`},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := write(t, test.a, test.b)
			_, err := gateway.Load(files, gateway.Expect{RowsMax: 8}, nil)
			if err == nil {
				t.Fatal("accepted")
			}
			if got := strings.ReplaceAll(err.Error(), filepath.Dir(files[0]), "DIR"); !strings.Contains(got, test.want) {
				t.Fatalf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestLoadOrderDoesNotMatter(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var lines []string
	for i := range 200 {
		lines = append(lines, fmt.Sprintf("m%d,2026-06-%02dT%02d:00:00Z,60,%d,0,A\n", i%7, 1+i%25, i%24, i%3))
	}
	slices.Sort(lines)
	lines = slices.CompactFunc(lines, func(a, b string) bool { return a[:20] == b[:20] })
	var first []gateway.Reading
	for range 5 {
		random.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
		cut := random.IntN(len(lines)-2) + 1
		got, err := gateway.Load(write(t, strings.Join(lines[:cut], ""), strings.Join(lines[cut-1:], "")), gateway.Expect{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got.Readings
		}
		if len(got.Readings) != len(lines) || !slices.Equal(got.Readings, first) {
			t.Fatal("another order of rows gives other readings")
		}
	}
}

func TestWriteReadsBack(t *testing.T) {
	want := []gateway.Reading{
		{Meter: "ann", Start: hour, Length: interval.Minutes15, Import: 1, Export: 2, Quality: gateway.Variable},
		{Meter: "ann-pv", Start: hour, Length: interval.Minutes15, Quality: gateway.Null},
	}
	var b bytes.Buffer
	if err := gateway.Write(&b, want, time.FixedZone("", -8*3600)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "\nann,2026-06-20T08:00:00-08:00,15,1,2,V\n") {
		t.Fatal(b.String())
	}
	if got, err := readAll(&b, gateway.Expect{}); err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %v, %v", got, err)
	}
}

// shared is the path of a file or folder of the shared data.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(cmp.Or(os.Getenv("COMMONWATT_SHARED"), "../../shared"), filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skip("the shared data is absent; COMMONWATT_SHARED says where it is")
	}
	return path
}

// fontana is a year of hours of 17 homes: 297,840 readings.
func fontana(t testing.TB) string {
	t.Helper()
	return shared(t, "data/fontana/readings.csv.gz")
}

func TestLoadFontana(t *testing.T) {
	got, err := gateway.Load([]string{fontana(t)}, gateway.Expect{Length: interval.Minutes60}, nil)
	if err != nil || len(got.Readings) != 297_840 {
		t.Fatalf("%d readings, %v", len(got.Readings), err)
	}
	if want := "{b01 1470034800 3600 2275 0 65}"; fmt.Sprint(got.Readings[0]) != want {
		t.Fatalf("got %v, want %s", got.Readings[0], want)
	}
}

func BenchmarkLoadFontana(b *testing.B) {
	file := fontana(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := gateway.Load([]string{file}, gateway.Expect{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadPlain(b *testing.B) {
	var text bytes.Buffer
	text.WriteString(gateway.Header + "\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "m%d,2026-06-%02dT%02d:00:00Z,60,%d,0,A\n", i%50, 1+i%25, i%24, i)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if got, err := readAll(bytes.NewReader(text.Bytes()), gateway.Expect{}); err != nil || len(got) != 100_000 {
			b.Fatal(err)
		}
	}
}
