package broker_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/commonwatt/commonwatt/broker"
)

// certificate makes a certificate for the loopback, and the file of it.
func certificate(t *testing.T) (*tls.Config, string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: private}}, MinVersion: tls.VersionTLS12}, path
}

// Where there is a certificate, what is in the clear does not get in.
func TestTLS(t *testing.T) {
	config, path := certificate(t)
	b := open(t, broker.Config{Ledger: newBooks(), TLS: config})
	run(t, b)
	if !strings.HasPrefix(b.Address(), "mqtts://") {
		t.Errorf("the address is %s", b.Address())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	c := connect(t, b.Address(), anna, 1, func(o *mqtt.ClientOptions) { o.SetTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}) })
	c.publish(t, 1, "sealed")
	c.hears(t, "booked sealed")
	for what, address := range map[string]string{"in the clear": strings.Replace(b.Address(), "mqtts", "mqtt", 1), "without trust": b.Address()} {
		stranger := mqtt.NewClient(options(address, "stranger", anna).SetConnectTimeout(time.Second))
		if token := stranger.Connect(); token.WaitTimeout(patience) && token.Error() == nil {
			t.Errorf("%s it gets in", what)
		}
	}
}

// elsewhere is a NATS server with MQTT that is not ours, as a cluster would be, and
// where devices and nodes connect to it.
func elsewhere(t *testing.T) (devices, nodes string) {
	t.Helper()
	o := &server.Options{
		ServerName: "elsewhere", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: t.TempDir(),
		MQTT: server.MQTTOpts{Host: "127.0.0.1", Port: server.RANDOM_PORT},
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(patience) {
		t.Fatal("the other server does not come up")
	}
	return (&url.URL{Scheme: "mqtt", Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(o.MQTT.Port))}).String(), s.ClientURL()
}

// A server of one's own does as well as the node's, even when devices were there
// before the node.
func TestNATS(t *testing.T) {
	devices, nodes := elsewhere(t)
	c := connect(t, devices, anna, 1)
	ledger := newBooks()
	b := open(t, broker.Config{NATS: nodes, Ledger: ledger})
	if s, err := b.State(t.Context()); err != nil || s.Connected != -1 || s.Address != nodes {
		t.Errorf("%+v, %v", s, err)
	}
	run(t, b)
	c.publish(t, 1, "from far")
	c.hears(t, "booked from far")
	done(t, c.Publish("commonwatt/7/x/reading", 1, false, "nobody's"))
	c.publish(t, 0, "not kept")
	c.hears(t, "booked not kept")
	if len(ledger.all()) != 2 {
		t.Errorf("booked: %v", ledger.all())
	}
	told, err := b.Post(t.Context(), anna, [][]byte{[]byte("posted")})
	if err != nil || string(told[0]) != "booked posted" {
		t.Errorf("%q, %v", told, err)
	}
}

// What cannot be used says so.
func TestOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct{ address, nats, says string }{
		{"127.0.0.1", "", "missing port"},
		{"127.0.0.1:mqtt", "", "give 0 to 65535"},
		{"127.0.0.1:70000", "", "give 0 to 65535"},
		{taken.Addr().String(), "", "address already in use"},
		{"", "nats://127.0.0.1:1", "nats"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // For which a server is waited for that is not there.
		_, err := broker.Open(ctx, broker.Config{Dir: t.TempDir(), Address: c.address, NATS: c.nats, Devices: anybody{}, Ledger: newBooks(), Log: quiet})
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// mosquitto runs one of the clients of Eclipse Mosquitto, as it is.
func mosquitto(t *testing.T, address, name string, args ...string) *exec.Cmd {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"-h", u.Hostname(), "-p", u.Port(), "-u", broker.User(anna), "-P", password}, args...)
	return exec.CommandContext(t.Context(), name, args...)
}

// The clients of Eclipse Mosquitto deliver and hear, with each quality of service.
func TestMosquitto(t *testing.T) {
	if _, err := exec.LookPath("mosquitto_pub"); err != nil {
		t.Skip("mosquitto_pub is not installed (Debian: mosquitto-clients)")
	}
	b := open(t, broker.Config{Ledger: newBooks()})
	run(t, b)
	for _, qos := range []string{"0", "1", "2"} {
		var heard bytes.Buffer
		// It hears what was published before it came back: its session stays.
		session := []string{"-i", "listener" + qos, "-c", "-q", "1", "-t", broker.ReceiptTopic(anna)}
		if out, err := mosquitto(t, b.Address(), "mosquitto_sub", append(session, "-E")...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if out, err := mosquitto(t, b.Address(), "mosquitto_pub", "-q", qos, "-t", broker.ReadingTopic(anna), "-m", "with "+qos).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		listen := mosquitto(t, b.Address(), "mosquitto_sub", append(session, "-C", "1", "-W", "20")...)
		listen.Stdout, listen.Stderr = &heard, &heard
		if err := listen.Run(); err != nil || heard.String() != "booked with "+qos+"\n" {
			t.Errorf("with QoS %s: %v, %q", qos, err, heard.String())
		}
	}
}
