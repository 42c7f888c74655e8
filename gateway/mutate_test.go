package gateway_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/optest/memory"
)

// load reads one file of a text.
func load(text string, expect gateway.Expect) (gateway.Content, error) {
	return gateway.Read("f", strings.NewReader(text), int64(len(text)), expect)
}

// mutated changes a few places of a text: bytes, lines, parts that are gone, come
// again or go to another place.
func mutated(random *rand.Rand, text []byte) []byte {
	out := append([]byte(nil), text...)
	for range 1 + random.IntN(4) {
		if len(out) < 2 {
			break
		}
		from := random.IntN(len(out))
		until := min(len(out), from+1+random.IntN(200))
		switch random.IntN(6) {
		case 0:
			out[from] = byte(random.Uint32())
		case 1:
			out[from] ^= 1 << random.IntN(8)
		case 2:
			out = append(out[:from], out[until:]...)
		case 3:
			out = append(out[:until:until], out[from:]...)
		case 4:
			out = out[:from]
		case 5:
			out[from] = "0,.-<>/!\n\x00"[random.IntN(10)]
		}
	}
	return out
}

// memoryMax is what reading a file that is bad on purpose may allocate in all.
const memoryMax = 64 << 20

// mustBehave reads bytes and fails when they are neither read nor refused in one
// line, or take too much memory.
func mustBehave(t *testing.T, text []byte, expect gateway.Expect) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	content, err := gateway.Read("f", bytes.NewReader(text), int64(len(text)), expect)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > memoryMax {
		t.Fatalf("%d bytes of file take %d bytes of memory", len(text), took)
	}
	if err != nil {
		refused, ok := errors.AsType[*gateway.Refused](err)
		if !ok || refused.Reason == "" || refused.Next == "" || strings.Contains(err.Error(), "\n") {
			t.Fatalf("no refusal in one line: %v", err)
		}
		return
	}
	for _, r := range content.Readings {
		if r.Import < 0 || r.Export < 0 || r.Length == 0 || r.Start%interval.Time(r.Length) != 0 {
			t.Fatalf("read %v", r)
		}
	}
}

// TestMutatedFiles changes the shared files at random, and our own.
func TestMutatedFiles(t *testing.T) {
	files, rounds := []string{"testdata/nem12.csv", "testdata/greenbutton.xml", "testdata/p1.txt"}, 8
	if testing.Short() {
		rounds = 2
	}
	files = append(files, sharedOrNone(t)...)
	random := rand.New(rand.NewPCG(20, 26))
	for _, original := range files {
		text, err := os.ReadFile(original)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rounds {
			m := mutated(random, text)
			expect := gateway.Expect{}
			if i%2 == 1 {
				expect.Length = interval.Minutes60
			}
			mustBehave(t, m, expect)
		}
	}
}

// A file that unpacks to a thousand times its size is refused before it takes
// memory, and so are texts without end.
func TestSwollenFiles(t *testing.T) {
	head := "100,NEM12,202606030900,A,B\n200,6305812345,E1,E1,E1,N1,M,kWh,5,\n"
	day := "300,20260601" + strings.Repeat(",0", 288) + ",A,,,,\n"
	for name, text := range map[string]string{
		"days":       head + strings.Repeat(day, 100_000),
		"a CSV":      gateway.Header + "\n" + strings.Repeat("ann,2026-06-20T16:00:00Z,60,1,0,A\n", 2_000_000),
		"a line":     head + "300," + strings.Repeat("0", 50<<20),
		"a tag":      "<feed><entry>" + strings.Repeat("x", 50<<20),
		"attributes": "<feed " + strings.Repeat(`a="b" `, 8<<20),
		"depth":      strings.Repeat("<a>", 10<<20),
		"a comment":  "<feed><!--" + strings.Repeat("x", 50<<20),
		"telegram":   "/ABC\n" + strings.Repeat("1-0:1.8.0(1*kWh)\n", 3<<20),
	} {
		t.Run(name, func(t *testing.T) {
			small := zipped(t, text)
			mustBehave(t, small, gateway.Expect{})
			if _, err := gateway.Read("f", bytes.NewReader(small), int64(len(small)), gateway.Expect{}); err == nil {
				t.Fatal("accepted")
			}
		})
	}
}

func sharedOrNone(t *testing.T) []string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(cmp.Or(os.Getenv("COMMONWATT_SHARED"), "../../shared"), "formats")); err != nil {
		t.Log("the shared data is absent: our own samples alone; COMMONWATT_SHARED says where it is")
		return nil
	}
	return meterFiles(t, "formats")
}

// fuzzFormat reads any bytes, beginning with one of our samples and with texts.
func fuzzFormat(f *testing.F, sample string, samples ...string) {
	f.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", sample))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	for _, s := range samples {
		f.Add([]byte(s))
	}
	memory.Large(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		defer memory.Bound(t)()
		mustBehave(t, text, gateway.Expect{})
	})
}

// FuzzNEM12 reads any bytes as NEM12.
func FuzzNEM12(f *testing.F) {
	day := "300,20260601" + strings.Repeat(",0.5", 48)
	head := "100,NEM12,202606030900,A,B\n200,6305812345,E1B1,E1,E1,N1,M,kWh,30,\n"
	fuzzFormat(f, "nem12.csv", head+day+",A,,,,\n900\n", head+day+",V,,,,\n400,1,48,S14,1,\n900\n", head+"900\n", "100,NEM13,1\n")
}

// FuzzGreenButton reads any bytes as Green Button.
func FuzzGreenButton(f *testing.F) {
	kind := `<entry><link rel="self" href="/T/1"/><content><ReadingType><flowDirection>%s</flowDirection><uom>72</uom><powerOfTenMultiplier>-3</powerOfTenMultiplier></ReadingType></content></entry>`
	block := `<entry><link rel="up" href="/UsagePoint/7/MeterReading/1/IntervalBlock"/><content><IntervalBlock><IntervalReading><timePeriod><duration>900</duration><start>1780308000</start></timePeriod><value>1500</value></IntervalReading></IntervalBlock></content></entry>`
	fuzzFormat(f, "greenbutton.xml", "<feed>"+fmt.Sprintf(kind, "1")+block+"</feed>", "<feed>"+fmt.Sprintf(kind, "19")+block+block+"</feed>", "<feed></feed>")
}

// FuzzP1 reads any bytes as DSMR P1.
func FuzzP1(f *testing.F) {
	fuzzFormat(f, "p1.txt", p1(telegram("260601120000S", 1000, 0), telegram("260601121500S", 1500, 20)), "/A\n\n1-0:1.8.0(1.0*kWh)\n!\n", "/A\n!")
}
