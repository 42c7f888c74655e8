package sim_test

import (
	"bytes"
	"compress/gzip"
	"flag"
	"io"
	"os"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/sim"
)

var rewrite = flag.Bool("rewrite", false, "write examples/riverside.csv.gz anew")

const (
	riversideFile     = "../examples/riverside.toml"
	riversideReadings = "../examples/riverside.csv.gz"
	riversideSeed     = 7
)

func riverside(t *testing.T) *community.Community {
	t.Helper()
	c, err := community.Load(riversideFile)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// local is a moment of the wall clock in Riverside.
func local(c *community.Community, day, hour int) interval.Time {
	return interval.Time(time.Date(2026, 3, day, hour, 0, 0, 0, c.TimeZone).Unix())
}

// week is the last one of March 2026. Its Sunday has 23 hours.
func week(c *community.Community) sim.Options {
	return sim.Options{From: local(c, 23, 0), To: local(c, 30, 0), Latitude: 50.6, Longitude: 7.2}
}

// faults give the exceptions something to say.
func faults(c *community.Community) []sim.Fault {
	return []sim.Fault{
		{Meter: "luis", Failure: sim.Silent, From: local(c, 24, 13), To: local(c, 24, 14)},
		{Meter: "jakob", Failure: sim.Silent, From: local(c, 26, 9), To: local(c, 26, 18)},
		{Meter: "bela", Failure: sim.Stuck, From: local(c, 25, 18), To: local(c, 26, 6)},
		{Meter: "ines-pv", Failure: sim.Dead, From: local(c, 27, 0), To: local(c, 30, 0)},
	}
}

// TestRiverside makes the example's readings again and compares. With -rewrite it
// writes them.
func TestRiverside(t *testing.T) {
	c := riverside(t)
	var text bytes.Buffer
	if err := gateway.Write(&text, sim.Break(sim.Homes(riversideSeed, c, week(c)), faults(c)), c.TimeZone); err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		var zipped bytes.Buffer
		w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(riversideReadings, zipped.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Open(riversideReadings)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unzip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := io.ReadAll(unzip)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, text.Bytes()) {
		t.Fatal("the generator makes other readings than those kept; if that is wanted: go test ./sim -run Riverside -rewrite")
	}
}

// TestRiversideLoads reads the example as the command does.
func TestRiversideLoads(t *testing.T) {
	c := riverside(t)
	content, err := gateway.Load([]string{riversideReadings}, gateway.Expect{Meters: c.Meters(), Length: c.Length}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const intervals, silent = 7*96 - 4, 4 + 36
	if want := len(c.Meters().All())*intervals - silent; len(content.Readings) != want {
		t.Fatalf("%d readings, want %d", len(content.Readings), want)
	}
}
