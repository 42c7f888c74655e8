package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
)

// bridgeHours are the hours in which a bridge is killed, but for the first and the last.
const bridgeHours = 24

// A bridge that is killed at a random moment of each hour loses no energy and books none
// twice: what is booked in all is what the register rose by.
func TestKilledBridgeKeepsEnergy(t *testing.T) {
	dir := elm(t)
	must(t, "member", "add", dir, "anna")
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month(), now.Day()-3, 0, 0, 0, 0, time.UTC)
	hour := func(n int) interval.Time { return interval.Time(first.Unix()) + interval.Time(n)*3600 }
	up := start(t, dir, "--from", first.Format(time.DateOnly), "--grace", "1000h", "--mqtt", "127.0.0.1:0")
	home, c := homeBroker(t)
	folder := t.TempDir()
	must(t, "device", "enrol", enrolCode(t, dir, "anna").URL, filepath.Join(folder, "anna-meter"), "--bridged")
	b := &bridged{t: t, file: filepath.Join(folder, "home.toml"), clock: filepath.Join(folder, "clock")}
	write(t, b.file, fmt.Sprintf("clock = \"trusted\"\n[home]\nbroker = %q\n[[meter]]\nenrolled = \"anna-meter\"\nsource = \"tasmota\"\ntopic = \"tele/plug/SENSOR\"\n", home))
	b.at(hour(1) - 30)
	b.start(1)
	wh, begin, end := 5000, 0, 0
	for n := 1; n <= bridgeHours; n++ {
		kill := rand.IntN(4) // In the middle of either reading, or after it.
		if n == 1 || n == bridgeHours {
			kill = -1 // That registers are read here the test has to know.
		}
		for i, when := range []interval.Time{hour(n) - 5, hour(n) + 5} {
			wh += rand.IntN(400)
			b.at(when)
			publish := func() {
				waitFor(t, c.Publish("tele/plug/SENSOR", 1, false, fmt.Sprintf(`{"ENERGY":{"Total":%d.%03d}}`, wh/1000, wh%1000)))
			}
			publish()
			if kill != 2*i {
				b.says(readAt("anna", 0, when))
			}
			if kill/2 == i && kill >= 0 {
				b.kill()
				b.start(1)
				b.at(when + 1)
				publish() // As meters do, again and again.
				b.says(readAt("anna", 0, when+1))
			}
			if i == 0 && n == 1 {
				begin = wh
			}
			if i == 0 {
				end = wh
			}
		}
		if kill < 0 {
			b.says("signed\" meter=anna end=" + first.Add(time.Duration(n)*time.Hour).Format(time.RFC3339))
		}
	}
	for len(files(t, folder, ".waiting")) > 0 {
		b.says("receipt\" meter=anna")
	}
	b.kill()
	up.stop(t)
	booked, times := accepted(t, dir), 0
	for who, n := range booked {
		if n != 1 {
			t.Errorf("%s was booked %d times", who, n)
		}
		times += n
	}
	if sum := recorded(t, dir, hour(0), hour(bridgeHours)); sum != quantity.Energy(end-begin) {
		t.Errorf("%d Wh are booked, and the register rose by %d", sum, end-begin)
	}
	t.Logf("%d kills, %d of %d messages", bridgeHours-2, times, bridgeHours)
}

// Another plug in the place of one that broke shows another register: the bridge believes
// it from its second reading on, the ledger counts from there, and the operator is told. A
// zero while a plug starts is nothing.
func TestReplacedPlug(t *testing.T) {
	dir := elm(t)
	must(t, "member", "add", dir, "anna")
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month(), now.Day()-3, 0, 0, 0, 0, time.UTC)
	up := start(t, dir, "--from", first.Format(time.DateOnly), "--grace", "1000h", "--mqtt", "127.0.0.1:0")
	home, c := homeBroker(t)
	folder := t.TempDir()
	must(t, "device", "enrol", enrolCode(t, dir, "anna").URL, filepath.Join(folder, "anna-meter"), "--bridged")
	b := &bridged{t: t, file: filepath.Join(folder, "home.toml"), clock: filepath.Join(folder, "clock")}
	write(t, b.file, fmt.Sprintf("clock = \"trusted\"\n[home]\nbroker = %q\n[[meter]]\nenrolled = \"anna-meter\"\nsource = \"tasmota\"\ntopic = \"tele/plug/SENSOR\"\n", home))
	hour := func(n int) interval.Time { return interval.Time(first.Unix()) + interval.Time(n)*3600 }
	b.at(hour(1) - 60)
	b.start(1)
	for _, r := range []struct {
		at   interval.Time
		kwh  string
		says string // And that it was read, unless it is not believed.
	}{
		{hour(1) - 5, "5", "read"},
		{hour(1) + 5, "5", "signed"},
		{hour(2) - 50, "5.3", "read"},
		{hour(2) - 20, "0", "not believed"},
		{hour(2) - 5, "5.4", "read"},
		{hour(2) + 5, "5.4", "signed"}, // It starts.
		{hour(3) - 600, "0.003", "not believed"},
		{hour(3) - 300, "0.05", "read"},
		{hour(3) - 5, "0.1", "read"},
		{hour(3) + 5, "0.1", "signed"}, // It is another one.
		{hour(4) - 5, "0.35", "read"},
		{hour(4) + 5, "0.35", "signed"},
	} {
		b.at(r.at)
		waitFor(t, c.Publish("tele/plug/SENSOR", 1, false, fmt.Sprintf(`{"ENERGY":{"Total":%s}}`, r.kwh)))
		if r.says != "not believed" {
			b.says(readAt("anna", 0, r.at))
		}
		if r.says != "read" {
			b.says(r.says)
		}
	}
	for len(files(t, folder, ".waiting")) > 0 {
		b.says("receipt\" meter=anna")
	}
	b.kill()
	up.stop(t)
	for n, want := range []quantity.Energy{0, 400, 0, 250} {
		if got := recorded(t, dir, hour(n), hour(n+1)); got != want {
			t.Errorf("in hour %d it took %d Wh, and not %d", n, got, want)
		}
	}
	if booked := accepted(t, dir); len(booked) != 4 {
		t.Errorf("booked: %v", booked)
	}
}

// recorded is what one meter took by what the ledger has, in some time.
func recorded(t *testing.T, dir string, from, until interval.Time) (sum quantity.Energy) {
	t.Helper()
	c, err := community.Load(filepath.Join(dir, community.File))
	if err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(node.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	n.Read(func(rows state.Reader, _ machine.Head) {
		m, _ := grid.At(rows, c.Microgrid())
		for start := from; start < until; start += interval.Time(c.Length) {
			values, _ := metering.Known(rows, c.Microgrid(), m, start)
			for _, v := range values {
				sum += v.Import
			}
		}
	})
	return sum
}
