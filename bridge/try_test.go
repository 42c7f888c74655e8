package bridge

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"
)

// home is the MQTT broker of a home, and a client of it.
func home(t *testing.T) (address string, c mqtt.Client) {
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
		t.Fatal("the broker does not come up")
	}
	c = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tcp://127.0.0.1:%d", o.MQTT.Port)).SetClientID("meters"))
	if token := c.Connect(); !token.WaitTimeout(20*time.Second) || token.Error() != nil {
		t.Fatal(token.Error())
	}
	t.Cleanup(func() { c.Disconnect(0) })
	return fmt.Sprintf("mqtt://127.0.0.1:%d", o.MQTT.Port), c
}

// try listens with a file's text until all is heard or some time is over.
func try(t *testing.T, text string, wait time.Duration) []Heard {
	t.Helper()
	cfg, err := load(t, text)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	list, _ := Try(ctx, cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	return list
}

// A P1 port that serves telegrams over TCP is read, from wherever the meter is in one.
func TestPort(t *testing.T) {
	name := filepath.Join(cmp.Or(os.Getenv("COMMONWATT_SHARED"), "../../shared"), "formats", "dsmr", "telegrams", "TELEGRAM_V5.txt")
	telegram, err := os.ReadFile(name)
	if err != nil {
		t.Skip("the shared data is absent; COMMONWATT_SHARED says where it is")
	}
	damaged := strings.Replace(string(telegram), "000004.426", "000004.427", 1)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte(string(telegram[len(telegram)/2:]) + damaged + string(telegram[:200]) + string(telegram) + string(telegram)))
		}
	}()
	list := try(t, meterOf("source = \"p1\"\nport = \"tcp://"+l.Addr().String()+"\""), 20*time.Second)
	if got := fmt.Sprint(list); got != "[{anna 1-0:1.8.x import 6825 } {anna 1-0:2.8.x export 2444 }]" {
		t.Error(got)
	}
}

// A wrong topic, path or unit is said with what there is, and what a broker had kept is
// no reading.
func TestTry(t *testing.T) {
	address, c := home(t)
	text := strings.Replace(meterOf("source = \"shelly-gen1\"\ntopic = \"shellies/em-1\""), "mqtt://127.0.0.1:1883", address, 1)
	text += "\n[[meter]]\nname = \"bela\"\nuser = \"7/13\"\npassword = \"secret\"\nsource = \"tasmota\"\ntopic = \"tele/plug/SENSOR\"\nimport = \"ENERGY.Totl\"\n"
	text += "[[meter]]\nname = \"carl\"\nuser = \"7/14\"\npassword = \"secret\"\nsource = \"tasmota\"\ntopic = \"tele/old/SENSOR\"\n"
	publish := func(topic, payload string, retained bool) {
		c.Publish(topic, 1, retained, payload).WaitTimeout(20 * time.Second)
	}
	publish("tele/old/SENSOR", `{"ENERGY":{"Total":12}}`, true)
	ctx, cancel := context.WithCancel(t.Context())
	var meters sync.WaitGroup
	meters.Go(func() {
		for ctx.Err() == nil { // As meters do, faster.
			publish("shellies/em-1/emeter/0/total", "12.5", false)
			publish("shellies/em-2/emeter/0/total_returned", "12.5", false)
			publish("tele/plug/SENSOR", `{"ENERGY":{"Total":12}}`, false)
		}
	})
	defer meters.Wait()
	defer cancel()
	want := []string{
		"{anna shellies/em-1/emeter/0/total import 12 }",
		"{anna shellies/em-1/emeter/0/total_returned export 0 nothing came, and something came on [shellies/em-2/emeter/0/total_returned]: is the topic right?}",
		"{bela tele/plug/SENSOR ENERGY.Totl import 0 is not there}",
		"{carl tele/old/SENSOR ENERGY.Total import 0 nothing but what the broker had kept came: wait until the meter publishes}",
	}
	for wait := time.Second; ; wait *= 2 { // As long as this machine takes to hear all of it.
		list := try(t, text, wait)
		same := len(list) == len(want)
		for i := range list {
			same = same && fmt.Sprint(list[i]) == want[i]
		}
		if same {
			return
		}
		if wait > 8*time.Second {
			t.Fatalf("%v\nand not\n%v", list, want)
		}
	}
}
