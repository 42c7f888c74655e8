package registry_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/optest/memory"
	"github.com/commonwatt/commonwatt/registry"
)

// refused fails when an error is no refusal in one line.
func refused(t *testing.T, err error) {
	t.Helper()
	r, ok := errors.AsType[*registry.Refused](err)
	if !ok || r.Reason == "" || r.Next == "" || strings.Contains(err.Error(), "\n") {
		t.Fatalf("no refusal in one line: %v", err)
	}
}

// fuzzRuns reads any bytes as a format: they are refused, or what they say survives being
// written and read again.
func fuzzRuns(f *testing.F, format registry.Format) {
	f.Add([]byte(good(f, format)))
	f.Add([]byte("\xef\xbb\xbf"))
	memory.Large(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		defer memory.Bound(t)()
		got, err := registry.Read("f", bytes.NewReader(file), format)
		if err != nil {
			refused(t, err)
			return
		}
		var again bytes.Buffer
		if err := registry.Write(&again, format, got); err != nil {
			t.Fatal(err)
		}
		text := again.String()
		if back, err := registry.Read("f", &again, format); err != nil || !reflect.DeepEqual(back, got) {
			t.Fatalf("wrote %s and read %+v, %v; want %+v", text, back, err, got)
		}
	})
}

func FuzzEnergyTag(f *testing.F) { fuzzRuns(f, registry.EnergyTag) }

func FuzzMRETS(f *testing.F) { fuzzRuns(f, registry.MRETS) }

func FuzzEECS(f *testing.F) { fuzzRuns(f, registry.EECS) }

func FuzzIREC(f *testing.F) { fuzzRuns(f, registry.IREC) }

// fuzzGeneration does so with what was generated.
func fuzzGeneration(f *testing.F, format registry.Format, read func(string, io.Reader) ([]registry.Generation, error), write func(io.Writer, []registry.Generation) error) {
	f.Add([]byte(good(f, format)))
	memory.Large(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		defer memory.Bound(t)()
		got, err := read("f", bytes.NewReader(file))
		if err != nil {
			refused(t, err)
			return
		}
		var again bytes.Buffer
		if err := write(&again, got); err != nil {
			t.Fatal(err)
		}
		if back, err := read("f", &again); err != nil || !reflect.DeepEqual(back, got) {
			t.Fatalf("read %+v, %v; want %+v", back, err, got)
		}
	})
}

func FuzzHourly(f *testing.F) {
	fuzzGeneration(f, registry.MRETSCSV, registry.ReadHourly, registry.WriteHourly)
}

func FuzzMonthly(f *testing.F) {
	fuzzGeneration(f, registry.NCRETS, registry.ReadMonthly, registry.WriteMonthly)
}
