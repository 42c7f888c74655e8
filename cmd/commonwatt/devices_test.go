package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/quantity"
)

// meterDevice is the device of a meter, with a key of its own and what the node gave it.
type meterDevice struct {
	live.Credential
	grid.Device
	key     ed25519.PrivateKey
	chain   string
	length  interval.Length
	begin   interval.Time // Of the interval that sequence 1 is about.
	address string
	node    ed25519.PublicKey // That signs receipts.
}

// enrolled gives a meter's device credentials and a key, made of a seed.
func (r *running) enrolled(t *testing.T, dir, meter string, seed byte, begin interval.Time) *meterDevice {
	t.Helper()
	c, err := community.Load(filepath.Join(dir, community.File))
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list []live.Credential
	if err := json.Unmarshal([]byte(must(t, "meter", "credential", dir, meter, "-o", "json")), &list); err != nil || len(list) != 1 {
		t.Fatalf("%v: %v", list, err)
	}
	key, err := operator.ReceiptKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	d := &meterDevice{
		node:       key.Public().(ed25519.PublicKey),
		Credential: list[0], Device: grid.Device{Microgrid: c.Microgrid(), Device: c.DeviceID(meter)},
		key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)), chain: s.Chain, length: c.Length, begin: begin, address: s.Gateway.Address,
	}
	public := d.key.Public().(ed25519.PublicKey)
	if said := must(t, "meter", "key", dir, meter, hex.EncodeToString(public)); !strings.Contains(said, meter+" signs with its key of epoch 1") {
		t.Fatal(said)
	}
	return d
}

// reads is the signed message with a sequence, and registers at 100 Wh for each.
func (d *meterDevice) reads(t *testing.T, sequence uint64, change ...func(*device.Message)) []byte {
	t.Helper()
	m := device.Message{
		Version: device.Version, Microgrid: d.Microgrid, Device: d.Device.Device, Epoch: 1, Sequence: sequence,
		Start: d.begin + interval.Time(sequence-1)*interval.Time(d.length), Duration: uint32(d.length),
		Import: quantity.Energy(sequence) * 100, Quality: metering.Actual, Clock: device.Synchronised,
	}
	for _, f := range change {
		f(&m)
	}
	raw, err := device.Sign(m, d.chain, d.key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// connect connects the device and returns what it is told.
func (d *meterDevice) connect(t *testing.T, address string) (mqtt.Client, <-chan live.Receipt) {
	t.Helper()
	told := make(chan live.Receipt, 1000)
	o := mqtt.NewClientOptions().AddBroker(strings.Replace(address, "mqtt:", "tcp:", 1)).SetClientID(d.Meter).
		SetUsername(d.User).SetPassword(d.Password).SetAutoReconnect(false)
	c := mqtt.NewClient(o)
	waitFor(t, c.Connect())
	waitFor(t, c.Subscribe(d.Receipt, 1, func(_ mqtt.Client, m mqtt.Message) {
		told <- d.receipt(t, m.Payload())
	}))
	return c, told
}

// receipt reads a receipt, which the node signed and which says the same in words as in
// what it signed.
func (d *meterDevice) receipt(t *testing.T, text []byte) (r live.Receipt) {
	t.Helper()
	err := json.Unmarshal(text, &r)
	proof, bad := base64.RawURLEncoding.DecodeString(r.Proof)
	if err != nil || bad != nil {
		t.Errorf("%s: %v %v", text, err, bad)
		return r
	}
	signed, err := device.OpenReceipt(proof, d.chain, d.node)
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return r
	}
	said := fmt.Sprintf("%s %s %d %d %d %d", r.Message, r.Status, r.Epoch, r.Sequence, r.Code, r.Height)
	if got := fmt.Sprintf("%x %s %d %d %d %d", signed.Message, live.Statuses[signed.Status], signed.Epoch, signed.Sequence, signed.Code, signed.Height); got != said ||
		signed.Microgrid != d.Microgrid || signed.Device != d.Device.Device {
		t.Errorf("it says %q and signs %q, of device %d", said, got, signed.Device)
	}
	return r
}

func waitFor(t *testing.T, token mqtt.Token) {
	t.Helper()
	if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		t.Fatalf("no answer: %v", token.Error())
	}
}

// unledgered are answers that do not come from the ledger.
var unledgered = []string{"refused 9002 ", "refused 0 foreign_topic"}

// A device's signed readings become a settled interval; what is wrong with others, it is
// told one by one, however they came.
func TestDeviceDelivers(t *testing.T) {
	dir := elm(t)
	must(t, "member", "add", dir, "anna")
	must(t, "member", "add", dir, "bela")
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month(), now.Day()-2, 0, 0, 0, 0, time.UTC)
	begin := interval.Time(first.Unix())
	up := start(t, dir, "--from", first.Format(time.DateOnly), "--grace", "100h", "--mqtt", "127.0.0.1:0")
	if _, errs, code := commonwatt("meter", "credential", dir, "nobody"); code != exitBadInput || !strings.Contains(errs, `no meter "nobody"`) {
		t.Errorf("%d %s", code, errs)
	}
	anna, bela := up.enrolled(t, dir, "anna", 1, begin), up.enrolled(t, dir, "bela", 2, begin)
	if said := must(t, "status", dir); !strings.Contains(said, "connect to "+anna.address+": 0 connected, 0 messages wait") {
		t.Error(said)
	}
	if said, _, code := commonwatt("doctor", dir); code != 0 || !strings.Contains(said, "connect to "+anna.address) {
		t.Errorf("%d %s", code, said)
	}
	checkKeys(t, dir)
	c, told := anna.connect(t, anna.address)
	defer c.Disconnect(0)
	forged := anna.reads(t, 3)
	forged[len(forged)-1] ^= 1
	for _, m := range []struct {
		what, topic, want string
		raw               []byte
	}{
		{"a reading", anna.Reading, "accepted 0 ", anna.reads(t, 1)},
		{"the next one", anna.Reading, "accepted 0 ", anna.reads(t, 2)},
		{"a replay", anna.Reading, "known 0 ", anna.reads(t, 1)},
		{"a wrong signature", anna.Reading, "refused 9009 ", forged},
		{"no message", anna.Reading, "refused 9002 ", []byte("hello")},
		{"a foreign topic", bela.Reading, "refused 0 foreign_topic", anna.reads(t, 3)},
		{"another one's message", anna.Reading, "refused 0 foreign_topic", bela.reads(t, 1)},
		{"another one's key", anna.Reading, "refused 9063 ", (&meterDevice{Device: anna.Device, key: bela.key, chain: anna.chain, length: anna.length, begin: begin}).reads(t, 3)},
		{"a stale clock", anna.Reading, "refused 9069 ", anna.reads(t, 3, func(m *device.Message) { m.Start = begin - 24*3600 })},
		{"a future clock", anna.Reading, "refused 9068 ", anna.reads(t, 3, func(m *device.Message) { m.Start = begin + 30*24*3600 })},
		{"no clock", anna.Reading, "kept 9080 ", anna.reads(t, 3, func(m *device.Message) { m.Clock = device.Unsynchronised })},
		{"an equivocation", anna.Reading, "refused 9064 ", anna.reads(t, 3)},
	} {
		waitFor(t, c.Publish(m.topic, 1, false, m.raw))
		r := <-told
		if got := fmt.Sprintf("%s %d %s", r.Status, r.Code, r.Refusal); got != m.want || (r.Height == 0) != slices.Contains(unledgered, m.want) || (r.Status == "refused") != (r.Why != "" && r.Status != "kept") {
			t.Errorf("%s: told %+v, and not %q", m.what, r, m.want)
		}
	}
	checkPosted(t, up.origin, bela)
	checkMosquitto(t, dir, bela)
	record := metering.Record{Microgrid: anna.Microgrid, Intervals: []metering.Readings{{Start: begin}}}
	for _, d := range []*meterDevice{anna, bela} { // The first message only says where registers begin.
		record.Intervals[0].Values = append(record.Intervals[0].Values, metering.Value{Device: d.Device.Device, Import: 50, Quality: metering.Actual})
	}
	if v := record.Intervals[0].Values; v[0].Device > v[1].Device {
		v[0], v[1] = v[1], v[0]
	}
	up.send(t, dir, 2000, metering.RecordKind.Encode(record))
	up.settled(t, begin+2*3600)
	if day := must(t, "today", dir, "anna", first.Format(time.DateOnly), "-o", "csv"); !strings.Contains(day, ",100,") || strings.Count(day, ",settled,") != 2 {
		t.Errorf("the day is\n%s", day)
	}
	if said := must(t, "meter", "key", dir, "bela", "--revoke"); !strings.Contains(said, "bela has no key any more") {
		t.Error(said)
	}
	if _, errs, code := commonwatt("meter", "key", dir, "bela", "--revoke"); code != 1 || !strings.Contains(errs, "the device has no key") {
		t.Errorf("%d %s", code, errs)
	}
	up.stop(t)
	must(t, "verify", dir)
	if said := must(t, "meter", "credential", dir, "anna"); !strings.Contains(said, "mosquitto_pub -h 127.0.0.1 -p 1883 -u "+anna.User) || strings.Contains(said, anna.Password) {
		t.Error(said)
	}
	must(t, "verify", dir) // Changed on purpose, it is sealed.
}

// checkKeys tries wrong keys, and says what a right one would book.
func checkKeys(t *testing.T, dir string) {
	t.Helper()
	right := base64.StdEncoding.EncodeToString(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize)).Public().(ed25519.PublicKey))
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"ana", right}, `there is no meter "ana": did you mean "anna"?`},
		{[]string{"anna"}, "KEY is missing"},
		{[]string{"anna", right, "--revoke"}, "leave KEY out"},
		{[]string{"anna", "3d4017"}, "is no public Ed25519 key"},
		{[]string{"anna", strings.Repeat("00", 32)}, "anyone could sign for"},
	} {
		if _, errs, code := commonwatt(append([]string{"meter", "key", dir}, c.args...)...); code != exitBadInput || !strings.Contains(errs, c.says) {
			t.Errorf("%q: %d %s", c.args, code, errs)
		}
	}
	if said := must(t, "meter", "key", dir, "anna", right, "--replaced", "--dry-run"); !strings.Contains(said, "would book: device.enrol_key 1\nnothing was booked") {
		t.Error(said)
	}
}

// checkPosted posts a device's first message twice.
func checkPosted(t *testing.T, origin string, d *meterDevice) {
	t.Helper()
	for _, want := range []string{"accepted", "known"} {
		r, err := http.NewRequest(http.MethodPost, fmt.Sprintf("%s/api/v1/microgrids/%d/devices/%d/readings", origin, d.Microgrid, d.Device.Device), bytes.NewReader(d.reads(t, 1)))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(d.User, d.Password)
		r.Header.Set("Content-Type", "application/cose")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		var delivered struct{ Receipts []string }
		if err != nil || json.Unmarshal(text, &delivered) != nil || len(delivered.Receipts) != 1 {
			t.Fatalf("%s %s %v", answer.Status, text, err)
		}
		raw, _ := base64.StdEncoding.DecodeString(delivered.Receipts[0])
		if receipt := d.receipt(t, raw); receipt.Status != want || receipt.Sequence != 1 {
			t.Errorf("posted: %s", raw)
		}
	}
}

// checkMosquitto runs the line that credential prints, with the device's second message.
func checkMosquitto(t *testing.T, dir string, d *meterDevice) {
	t.Helper()
	said := must(t, "meter", "credential", dir, d.Meter)
	d.Password = strings.Fields(said[strings.Index(said, "password"):])[1]
	_, line, ok := strings.Cut(said, "\nmosquitto_pub ")
	line, _, _ = strings.Cut(line, "\n")
	if !ok {
		t.Fatal(said)
	}
	c, told := d.connect(t, d.address)
	defer c.Disconnect(0)
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		t.Log("mosquitto_pub is not installed (Debian: mosquitto-clients): its line is not run")
		waitFor(t, c.Publish(d.Reading, 1, false, d.reads(t, 2)))
	} else {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "message.cose"), d.reads(t, 2), 0o600); err != nil {
			t.Fatal(err)
		}
		sh := exec.CommandContext(t.Context(), "sh", "-ec", "mosquitto_pub "+line)
		sh.Dir = folder
		if out, err := sh.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", line, err, out)
		}
	}
	if r := <-told; r.Status != "accepted" || r.Sequence != 2 {
		t.Errorf("told %+v", r)
	}
}

// Kills of a node with devices, and the messages of each of its devices.
const (
	devicesKills    = 6
	devicesMessages = 30
)

// A node that is killed at random while devices publish loses nothing that it
// acknowledged, and books nothing twice. The devices are real clients: what was not
// acknowledged they publish again, to the next process.
func TestKilledNodeKeepsReadings(t *testing.T) {
	dir := elm(t)
	names := []string{"anna", "bela", "carl", "dora"}
	for _, name := range names {
		must(t, "member", "add", dir, name)
	}
	now := time.Now().UTC()
	first := time.Date(now.Year(), now.Month(), now.Day()-2, 0, 0, 0, 0, time.UTC)
	flags := []string{"--from", first.Format(time.DateOnly), "--grace", "100h", "--mqtt", "127.0.0.1:0"}
	up := start(t, dir, flags...)
	var all []*meterDevice
	for i, name := range names {
		all = append(all, up.enrolled(t, dir, name, byte(i+1), interval.Time(first.Unix())))
	}
	sent := make([]int, len(all)) // Of each device, how many messages were acknowledged.
	for range devicesKills {
		publishUntilKilled(t, up, all, sent, rand.IntN(len(all)*devicesMessages/devicesKills))
		up = start(t, dir, flags...)
	}
	publishUntilKilled(t, up, all, sent, -1)
	for _, d := range all { // When this is told of, so is what came before.
		c, told := d.connect(t, up.gateway(t))
		waitFor(t, c.Publish(d.Reading, 1, false, d.reads(t, devicesMessages)))
		for r := range told {
			if r.Sequence == devicesMessages {
				break
			}
		}
		c.Disconnect(0)
	}
	up.stop(t)
	must(t, "verify", dir)
	for who, times := range accepted(t, dir) {
		if times != 1 {
			t.Errorf("%s was booked %d times", who, times)
		}
	}
	if n := len(accepted(t, dir)); n != len(all)*devicesMessages {
		t.Errorf("%d messages were booked of %d", n, len(all)*devicesMessages)
	}
}

// gateway is where devices connect.
func (r *running) gateway(t *testing.T) string {
	t.Helper()
	s, err := r.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Gateway.Address
}

// publishUntilKilled publishes the devices' messages in turn, from those on that were
// acknowledged, and kills the node after a number of acknowledgements. Below 0 it lets
// it live.
func publishUntilKilled(t *testing.T, up *running, all []*meterDevice, sent []int, last int) {
	t.Helper()
	address := up.gateway(t)
	clients := make([]mqtt.Client, len(all))
	for i, d := range all {
		clients[i], _ = d.connect(t, address)
		defer clients[i].Disconnect(0)
	}
	for n := 0; slices.Min(sent) < devicesMessages; n++ {
		i := slices.Index(sent, slices.Min(sent)) // Whoever is behind.
		if n == last {
			_ = up.cmd.Process.Kill()
		}
		token := clients[i].Publish(all[i].Reading, 1, false, all[i].reads(t, uint64(sent[i]+1)))
		if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
			break
		}
		sent[i]++
	}
	if last >= 0 {
		_ = up.cmd.Process.Kill()
		_ = up.cmd.Wait()
	}
}

// accepted counts, by device and sequence, how often the ledger accepted a message.
func accepted(t *testing.T, dir string) map[string]int {
	t.Helper()
	n, err := node.Open(node.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	count := map[string]int{}
	for height := int64(1); height <= n.Height(); height++ {
		r, err := n.Record(height)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range r.Outcomes {
			for _, f := range o.Receipts {
				if f.Kind != device.DeliveredReceipt.Kind {
					continue
				}
				for _, a := range device.DeliveredReceipt.Read(f.Receipt()).Answers {
					if a.Status == device.Accepted {
						count[fmt.Sprintf("%d of %d", a.Sequence, a.Device)]++
					}
				}
			}
		}
	}
	return count
}
