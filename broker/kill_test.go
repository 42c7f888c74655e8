package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/broker"
)

// file is a ledger that is a file: a line for each message, on disk when Deliver
// returns.
type file struct{ *os.File }

func (f file) Deliver(_ context.Context, messages []broker.Message) (told [][]byte, err error) {
	var lines strings.Builder
	for _, m := range messages {
		fmt.Fprintf(&lines, "%s\n", m.Raw)
		told = append(told, m.Raw)
	}
	if _, err := f.WriteString(lines.String()); err != nil {
		return nil, err
	}
	return told, f.Sync()
}

func (f file) Refuse(broker.Message, broker.Refusal) []byte { return nil }

const ledgerFile = "ledger.txt"

// serve runs a broker over a ledger that is a file, until it is killed.
func serve(dir string) {
	f, err := os.OpenFile(filepath.Join(dir, ledgerFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	b, err := broker.Open(context.Background(), broker.Config{
		Dir: filepath.Join(dir, "broker"), Address: "127.0.0.1:0", Devices: anybody{}, Ledger: file{f}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(b.Address())
	panic(b.Run(context.Background()))
}

// kills of a run.
const kills = 8

// What a broker acknowledged reaches the ledger, however often it is killed. The
// client is a real one: what was not acknowledged it publishes again, to the next
// process.
func TestKilledBrokerLosesNothing(t *testing.T) {
	dir := t.TempDir()
	next, acknowledged := 0, []string{}
	for range kills {
		next, acknowledged = life(t, dir, next, acknowledged)
	}
	ledger := newBooks()
	b := open(t, broker.Config{Dir: filepath.Join(dir, "broker"), Ledger: ledger})
	run(t, b)
	c := connect(t, b.Address(), anna, 1)
	c.publish(t, 1, "the last one")
	if told, err := b.Post(t.Context(), anna, [][]byte{[]byte("posted after it")}); err != nil {
		t.Fatal(told, err) // What came before is booked.
	}
	text, err := os.ReadFile(filepath.Join(dir, ledgerFile))
	if err != nil {
		t.Fatal(err)
	}
	booked := map[string]int{}
	for m := range strings.FieldsSeq(string(text)) {
		booked[m]++
	}
	twice := 0
	for _, m := range acknowledged {
		n := booked[m] + ledger.booked(anna, m)
		if n == 0 {
			t.Errorf("%s was acknowledged and is lost", m)
		}
		if n > 1 {
			twice++ // Of that, the real ledger makes nothing: it is known already.
		}
	}
	if len(acknowledged) < kills {
		t.Errorf("%d were acknowledged", len(acknowledged))
	}
	t.Logf("%d kills, %d acknowledged, %d delivered more than once", kills, len(acknowledged), twice)
}

// life publishes to a process until it is killed, at some acknowledgement.
func life(t *testing.T, dir string, next int, acknowledged []string) (int, []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), childDir+"="+dir), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the broker does not come up")
	}
	c := mqtt.NewClient(options(lines.Text(), "kill", anna))
	done(t, c.Connect())
	last := rand.IntN(200)
	tokens := make([]mqtt.Token, 1+last+rand.IntN(200))
	for i := range tokens {
		tokens[i] = c.Publish(broker.ReadingTopic(anna), 1, false, fmt.Sprint(next+i))
	}
	for i, token := range tokens {
		if i == last {
			_ = cmd.Process.Kill()
		}
		if token.WaitTimeout(patience) && token.Error() == nil {
			acknowledged = append(acknowledged, fmt.Sprint(next+i))
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	c.Disconnect(0)
	return next + len(tokens), acknowledged
}
