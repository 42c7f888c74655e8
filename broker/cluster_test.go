package broker_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/grid"
)

// childServer has what one server of a cluster is, for a process that runs it.
const childServer = "COMMONWATT_BROKER_SERVER"

// natsServer is one server of a cluster, in a process of its own.
type natsServer struct {
	Name, Dir            string
	Client, MQTT, Routes string   // Addresses.
	Cluster              []string // Of the routes of all.

	cmd *exec.Cmd
}

// serveNATS is a NATS server as docs/devices.md configures it, until it is killed.
func serveNATS(text string) {
	var s natsServer
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		panic(err)
	}
	options := &server.Options{
		ServerName: s.Name, JetStream: true, StoreDir: s.Dir, SyncAlways: true, NoSigs: true,
		Cluster: server.ClusterOpts{Name: "town"},
		Users:   []*server.User{{Username: "node", Password: password}},
	}
	for _, d := range clusterDevices() {
		options.Users = append(options.Users, &server.User{Username: broker.User(d), Password: password})
	}
	for _, at := range s.Cluster {
		options.Routes = append(options.Routes, &url.URL{Scheme: "nats", Host: at})
	}
	options.Host, options.Port = hostPort(s.Client)
	options.MQTT.Host, options.MQTT.Port = hostPort(s.MQTT)
	options.Cluster.Host, options.Cluster.Port = hostPort(s.Routes)
	n, err := server.NewServer(options)
	if err != nil {
		panic(err)
	}
	n.Start()
	if !n.ReadyForConnections(patience) {
		panic("the server does not come up")
	}
	fmt.Println("up")
	n.WaitForShutdown()
}

func hostPort(address string) (host string, port int) {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		panic(err)
	}
	return at.IP.String(), at.Port
}

// clusterDevices are those that publish to a cluster.
func clusterDevices() (list []grid.Device) {
	for n := range grid.DeviceID(6) {
		list = append(list, grid.Device{Microgrid: 7, Device: n + 1})
	}
	return list
}

// natsCluster starts so many servers, each in a process of its own.
func natsCluster(t *testing.T, size int) (list []*natsServer) {
	t.Helper()
	var routes []string
	for range size {
		routes = append(routes, freeAddress(t))
	}
	for i, at := range routes {
		s := &natsServer{Name: fmt.Sprint("nats", i+1), Dir: t.TempDir(), Client: freeAddress(t), MQTT: freeAddress(t), Routes: at, Cluster: routes}
		s.start(t)
		list = append(list, s)
	}
	t.Cleanup(func() {
		for _, s := range list {
			s.kill()
		}
	})
	return list
}

func (s *natsServer) start(t *testing.T) {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env, s.cmd.Stderr = append(os.Environ(), childServer+"="+string(text)), os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if lines := bufio.NewScanner(out); !lines.Scan() {
		t.Fatalf("%s does not come up", s.Name)
	}
}

// kill ends a server as a power cut would.
func (s *natsServer) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

// urlOf is what --nats is given for a cluster: all of its servers.
func urlOf(list []*natsServer) string {
	var urls []string
	for _, s := range list {
		urls = append(urls, (&url.URL{Scheme: "nats", User: url.UserPassword("node", password), Host: s.Client}).String())
	}
	return strings.Join(urls, ",")
}

// streams are the cluster's streams of ours, by name. A cluster that chooses a leader
// does not say.
func streams(t *testing.T, list []*natsServer) (map[string]*jetstream.StreamInfo, error) {
	t.Helper()
	conn, err := nats.Connect(urlOf(list))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	infos := map[string]*jetstream.StreamInfo{}
	lister := js.ListStreams(t.Context())
	for info := range lister.Info() {
		infos[info.Config.Name] = info
	}
	return infos, lister.Err()
}

// sender is a device that publishes one message after the other, until it is
// acknowledged: by whichever server there is.
type sender struct {
	device       grid.Device
	acknowledged []string
}

func (s *sender) run(list []*natsServer, stop <-chan struct{}, count *atomic.Int64) {
	at := int(s.device.Device)
	var c mqtt.Client
	for n := 0; ; {
		select {
		case <-stop:
			if c != nil {
				c.Disconnect(0)
			}
			return
		default:
		}
		if c == nil || !c.IsConnectionOpen() {
			o := options("mqtt://"+list[at%len(list)].MQTT, fmt.Sprint("sender", s.device.Device), s.device)
			o.SetConnectTimeout(2 * time.Second)
			at++
			c = mqtt.NewClient(o)
			if token := c.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
				c = nil
				continue
			}
		}
		text := fmt.Sprintf("%d-%d", s.device.Device, n)
		if token := c.Publish(broker.ReadingTopic(s.device), 1, false, text); token.WaitTimeout(patience) && token.Error() == nil {
			s.acknowledged = append(s.acknowledged, text)
			count.Add(1)
			n++
		} else {
			c.Disconnect(0)
			c = nil
		}
	}
}

// clusterKills is how many servers are killed, one after the other: COMMONWATT_NATS=N
// makes it N.
func clusterKills() int {
	if n, err := strconv.Atoi(os.Getenv("COMMONWATT_NATS")); err == nil {
		return n
	}
	return 1
}

// A cluster of three keeps each message three times: one server after the other is killed
// under load, each with what it had in memory, and what was
// acknowledged reaches the ledger.
func TestClusterLosesNothing(t *testing.T) {
	servers := natsCluster(t, 3)
	ledger := newBooks()
	b := open(t, broker.Config{NATS: urlOf(servers), Ledger: ledger})
	run(t, b)
	made, err := streams(t, servers)
	if err != nil || len(made) < 3 {
		t.Fatalf("%d streams, %v", len(made), err)
	}
	for name, s := range made {
		if s.Config.Replicas != 3 {
			t.Errorf("stream %s is kept %d times", name, s.Config.Replicas)
		}
	}
	var senders []*sender
	var all sync.WaitGroup
	var count atomic.Int64
	stop := make(chan struct{})
	for _, d := range clusterDevices() {
		s := &sender{device: d}
		senders = append(senders, s)
		all.Go(func() { s.run(servers, stop, &count) })
	}
	more := func(n int64) { // Waits until so many more are acknowledged.
		for want, deadline := count.Load()+n, time.Now().Add(2*patience); count.Load() < want; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d are acknowledged: the cluster does not go on", count.Load(), want)
			}
		}
	}
	more(50)
	for n := range clusterKills() {
		s := servers[n%len(servers)]
		s.kill()
		more(50)
		s.start(t)
		healed(t, servers)
	}
	close(stop)
	all.Wait()
	drained(t, b)
	booked, twice := ledger.all(), 0
	for _, s := range senders {
		for _, text := range s.acknowledged {
			switch n := booked[broker.User(s.device)+" "+text]; {
			case n == 0:
				t.Errorf("%s was acknowledged and is lost", text)
			case n > 1:
				twice++ // Of that, the real ledger makes nothing: it is known already.
			}
		}
	}
	t.Logf("%d kills, %d acknowledged, %d booked, %d delivered more than once", clusterKills(), count.Load(), len(booked), twice)
}

// drained waits until no message waits for the ledger. Acknowledgements that were lost with
// a server come again; for a minute there may be none.
func drained(t *testing.T, b *broker.Broker) {
	t.Helper()
	least := ^uint64(0)
	for deadline := time.Now().Add(time.Minute); least > 0; time.Sleep(100 * time.Millisecond) {
		s, err := b.State(t.Context())
		switch {
		case err == nil && s.Waiting < least:
			least, deadline = s.Waiting, time.Now().Add(time.Minute)
		case time.Now().After(deadline):
			t.Fatalf("messages wait: %+v, %v", s, err)
		}
	}
}

// healed waits until every stream is kept by all again.
func healed(t *testing.T, list []*natsServer) {
	t.Helper()
	for deadline := time.Now().Add(2 * patience); ; time.Sleep(200 * time.Millisecond) {
		infos, err := streams(t, list)
		behind := ""
		if err != nil {
			behind = err.Error()
		}
		for name, s := range infos {
			if s.Cluster == nil || s.Cluster.Leader == "" || len(s.Cluster.Replicas) != 2 {
				behind = name
				continue
			}
			for _, peer := range s.Cluster.Replicas {
				if peer.Offline || !peer.Current {
					behind = name
				}
			}
		}
		if behind == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("stream %s is not kept by all three", behind)
		}
	}
}
