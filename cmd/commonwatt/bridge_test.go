package main

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/metering"
)

// clockFile names a file with the time that a process of a test goes by.
const clockFile = "COMMONWATT_TEST_CLOCK"

// readClock is the time in a file.
func readClock(name string) time.Time {
	text, err := os.ReadFile(name)
	if err != nil {
		panic(err)
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		panic(err)
	}
	return time.Unix(n, 0)
}

// homeBroker is an MQTT broker of a home, and a client of it.
func homeBroker(t *testing.T) (address string, c mqtt.Client) {
	t.Helper()
	o := &server.Options{
		ServerName: "home", DontListen: true, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: server.RANDOM_PORT},
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the home's broker does not come up")
	}
	address = fmt.Sprintf("mqtt://127.0.0.1:%d", o.MQTT.Port)
	c = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(strings.Replace(address, "mqtt", "tcp", 1)).SetClientID("meters"))
	waitFor(t, c.Connect())
	t.Cleanup(func() { c.Disconnect(0) })
	return address, c
}

// bridged is a bridge in a process of its own, and what it says.
type bridged struct {
	t     *testing.T
	file  string
	clock string
	cmd   *exec.Cmd
	said  chan string
	lines []string // That it said and nobody waited for yet.
}

// start starts the process and waits until it listens and is connected with the node by
// so many meters.
func (b *bridged) start(meters int) {
	b.t.Helper()
	b.cmd, b.said, b.lines = program(b.t, "bridge", b.file, "--verbose"), make(chan string, 10_000), nil
	b.cmd.Env = append(os.Environ(), clockFile+"="+b.clock)
	errs, err := b.cmd.StderrPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = b.cmd.Process.Kill() })
	said := b.said
	go func() {
		for lines := bufio.NewScanner(errs); lines.Scan(); {
			said <- lines.Text()
		}
		close(said)
	}()
	want := []string{"listens to the home's broker"}
	for range meters {
		want = append(want, "connected with the node")
	}
	b.says(want...)
}

// says waits until each of some words was said, in any order, in a line of its own.
func (b *bridged) says(words ...string) {
	b.t.Helper()
	late := time.After(20 * time.Second)
	for _, w := range words {
		for {
			if i := slices.IndexFunc(b.lines, func(line string) bool { return strings.Contains(line, w) }); i >= 0 {
				b.lines = slices.Delete(b.lines, i, i+1)
				break
			}
			select {
			case line, ok := <-b.said:
				if !ok {
					b.t.Fatalf("it ends and does not say %q:\n%s", w, strings.Join(b.lines, "\n"))
				}
				b.lines = append(b.lines, line)
			case <-late:
				b.t.Fatalf("it does not say %q:\n%s", w, strings.Join(b.lines, "\n"))
			}
		}
	}
}

// kill ends the process at once.
func (b *bridged) kill() {
	b.t.Helper()
	_ = b.cmd.Process.Kill()
	_ = b.cmd.Wait()
}

// readAt is what a bridge says of a reading.
func readAt(meter string, register int, when interval.Time) string {
	return fmt.Sprintf("read\" meter=%s register=%d at=%s", meter, register, time.Unix(int64(when), 0).UTC().Format(time.RFC3339))
}

// at sets the clock.
func (b *bridged) at(when interval.Time) {
	b.t.Helper()
	name := b.clock + ".new"
	if err := os.WriteFile(name, []byte(strconv.FormatInt(int64(when), 10)), 0o600); err != nil {
		b.t.Fatal(err)
	}
	if err := os.Rename(name, b.clock); err != nil {
		b.t.Fatal(err)
	}
}

// gatewayKey makes a home's gateway key in a file and returns its public part.
func gatewayKey(t *testing.T, dir string) string {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{77}, ed25519.SeedSize))
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
	if err := os.WriteFile(filepath.Join(dir, "gateway.pem"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(private.Public().(ed25519.PublicKey))
}

// credentialOf gives a meter's device its credential, and its gateway's key.
func credentialOf(t *testing.T, dir, meter, key string) live.Credential {
	t.Helper()
	var list []live.Credential
	if err := json.Unmarshal([]byte(must(t, "meter", "credential", dir, meter, "-o", "json")), &list); err != nil || len(list) != 1 {
		t.Fatalf("%v: %v", list, err)
	}
	if said := must(t, "meter", "key", dir, meter, key, "--bridged"); !strings.Contains(said, meter+" does not sign: the home's gateway signs for it with the key of epoch 1") {
		t.Fatal(said)
	}
	return list[0]
}

// What a Shelly 3EM, a Tasmota plug and a P1 reader publish in a home is settled, through
// a bridge that is killed meanwhile and a node that is away: nothing is lost, nothing
// counts twice, and pages say that the meters do not sign.
func TestBridge(t *testing.T) {
	dir := elm(t)
	meters := []string{"anna", "bela", "carl"}
	for _, name := range meters {
		must(t, "member", "add", dir, name)
	}
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month(), now.Day()-2, 0, 0, 0, 0, time.UTC)
	hour := func(n int) interval.Time { return interval.Time(first.Unix()) + interval.Time(n)*3600 }
	flags := []string{"--from", first.Format(time.DateOnly), "--grace", "100h", "--mqtt", "127.0.0.1:0"}
	up := start(t, dir, flags...)
	s, err := up.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c0, err := community.Load(filepath.Join(dir, community.File))
	if err != nil {
		t.Fatal(err)
	}
	home, c := homeBroker(t)
	folder := t.TempDir()
	key := gatewayKey(t, folder)
	node := strings.TrimPrefix(s.Gateway.Address, "mqtt://")
	text := fmt.Sprintf("chain = %q\nnode = \"mqtt://%s\"\nminutes = 60\nkey = \"gateway.pem\"\nclock = \"trusted\"\n[home]\nbroker = %q\n", s.Chain, node, home)
	for i, name := range meters {
		text += "[[meter]]\n"
		if name == "anna" { // By a code; the others by hand.
			must(t, "device", "enrol", enrolCode(t, dir, name).URL, filepath.Join(folder, "anna-meter"), "--bridged")
			text += "enrolled = \"anna-meter\"\n"
		} else {
			credential := credentialOf(t, dir, name, key)
			text += fmt.Sprintf("name = %q\nuser = %q\npassword = %q\n", name, credential.User, credential.Password)
		}
		text += []string{
			"source = \"shelly-gen1\"\ntopic = \"shellies/shellyem3-8CAAB5\"\nchannels = [0, 1]",
			"source = \"tasmota\"\ntopic = \"tele/plug/SENSOR\"",
			"source = \"p1\"\ntopic = \"p1/telegram\"",
		}[i] + "\n"
	}
	b := &bridged{t: t, file: filepath.Join(folder, "home.toml"), clock: filepath.Join(folder, "clock")}
	if err := os.WriteFile(b.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.at(hour(1) - 20)
	b.start(3)
	publish := func(meter string, register int, when interval.Time, topic, payload string) { // And wait until it was read.
		t.Helper()
		waitFor(t, c.Publish(topic, 0, false, payload))
		b.says(readAt(meter, register, when))
	}
	registers := func(when interval.Time, n int) { // Of all meters, after n hours: 100.4 Wh each.
		t.Helper()
		b.at(when)
		wh := float64(n) * 100.4
		for phase := range 2 {
			at := fmt.Sprintf("shellies/shellyem3-8CAAB5/emeter/%d/", phase)
			publish("anna", 2*phase, when, at+"total", fmt.Sprintf("%.1f", 5000+wh/2))
			publish("anna", 2*phase+1, when, at+"total_returned", "7.5")
		}
		publish("bela", 0, when, "tele/plug/SENSOR", fmt.Sprintf(`{"Time":"2026-06-20T12:00:00","ENERGY":{"TotalStartTime":"2025-01-01T00:00:00","Total":%.4f,"Power":100}}`, 12+wh/1000))
		publish("carl", 1, when, "p1/telegram", p1Telegram(1000+wh/1000))
	}
	signed := []string{"signed\" meter=anna", "signed\" meter=bela", "signed\" meter=carl"}
	receipts := []string{"receipt\" meter=anna", "receipt\" meter=bela", "receipt\" meter=carl"}
	registers(hour(1)-10, 0)
	registers(hour(1)+40, 1) // Further from the hour than the one before.
	b.says(append(signed, receipts...)...)
	registers(hour(2)-5, 1)
	up.stop(t) // The node is away as the next hour ends, and the bridge is killed once it has signed.
	registers(hour(2)+8, 2)
	b.says(signed...)
	b.kill()
	registers2 := len(files(t, folder, ".waiting"))
	up = start(t, dir, append(flags[:len(flags)-1], node)...)
	b.start(3)
	b.says(receipts...)
	registers(hour(3)-5, 2)
	registers(hour(3)+3, 2)
	b.says(append(signed, receipts...)...)
	if registers2 != 3 || len(files(t, folder, ".waiting")) != 0 {
		t.Errorf("%d messages waited, and %d still do", registers2, len(files(t, folder, ".waiting")))
	}
	record := metering.Record{Microgrid: c0.Microgrid(), Intervals: []metering.Readings{{Start: hour(0)}}}
	for _, name := range meters { // The first message only says where registers begin.
		record.Intervals[0].Values = append(record.Intervals[0].Values, metering.Value{Device: c0.DeviceID(name), Import: 50, Quality: metering.Actual})
	}
	slices.SortFunc(record.Intervals[0].Values, func(a, b metering.Value) int { return cmp.Compare(a.Device, b.Device) })
	up.send(t, dir, 2000, metering.RecordKind.Encode(record))
	up.settled(t, hour(3))
	checkBridged(t, dir, first.Format(time.DateOnly), meters)
	checkBridgedList(t, dir, up, c0.Microgrid(), first.Format("2006-01"))
	b.kill()
	up.stop(t)
	for who, times := range accepted(t, dir) {
		if times != 1 {
			t.Errorf("%s was booked %d times", who, times)
		}
	}
	if n := len(accepted(t, dir)); n != 9 {
		t.Errorf("%d messages were booked of 9", n)
	}
	must(t, "verify", dir)
}

// checkBridged looks at what was settled, and at whether it is told who signed.
func checkBridged(t *testing.T, dir, day string, meters []string) {
	t.Helper()
	for _, name := range meters {
		var today struct {
			Bridged   []string
			Intervals []struct {
				State string
				Grid  int64
			}
		}
		text := must(t, "today", dir, name, day, "-o", "json")
		if err := json.Unmarshal([]byte(text), &today); err != nil || len(today.Bridged) != 1 || today.Bridged[0] != name {
			t.Fatalf("%v: %s", err, text)
		}
		var sum int64
		for _, i := range today.Intervals[1:3] {
			if i.State != "settled" {
				t.Errorf("%s: %+v", name, i)
			}
			sum += i.Grid
		}
		want := int64(200) // Of 200.8 Wh in two hours; 0.8 Wh are not a whole one yet.
		if name == "carl" {
			want = 201 // A P1 port shows whole Wh, rounded by the meter.
		}
		if sum != want {
			t.Errorf("%s took %d Wh, and not %d", name, sum, want)
		}
	}
}

// checkBridgedList looks at whether the operator's page lists the meters.
func checkBridgedList(t *testing.T, dir string, up *running, m grid.MicrogridID, month string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, fmt.Sprintf("%s/api/v1/microgrids/%d/months/%s/operation", up.origin, m, month), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(signIn(t, must(t, "link", dir, "operator")))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var page struct {
		Bridged []struct{ Meter, Member string }
	}
	if err := json.NewDecoder(answer.Body).Decode(&page); err != nil || len(page.Bridged) != 3 || page.Bridged[0].Meter != page.Bridged[0].Member {
		t.Errorf("%s: %+v, %v", answer.Status, page, err)
	}
}

// files are those of a folder and its folders with an ending.
func files(t *testing.T, folder, ending string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(folder, "bridge", "*", "*"+ending))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// p1Telegram is a telegram as a DSMR 2.2 meter sends it, without a checksum.
func p1Telegram(kwh float64) string {
	return fmt.Sprintf("/ISk5\\2MT382-1000\r\n\r\n0-0:96.1.1(4B384547303034303436333935353037)\r\n1-0:1.8.1(%010.3f*kWh)\r\n1-0:1.8.2(00000.000*kWh)\r\n1-0:2.8.1(00000.000*kWh)\r\n!\r\n", kwh)
}
