package node_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/party"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// childDir names the folder that this process serves in place of running tests.
const childDir = "COMMONWATT_NODE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		serve(dir)
		return
	}
	os.Exit(m.Run())
}

// serve runs a node that takes envelopes as hex lines and acknowledges each on a
// line of its own, until it is killed.
func serve(dir string) {
	n, err := node.Open(node.Config{Dir: dir})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	fmt.Println("up")
	var out sync.Mutex
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		raw, err := hex.DecodeString(in.Text())
		if err != nil {
			panic(err)
		}
		ticket, err := n.Send(context.Background(), raw)
		if err != nil {
			panic(err)
		}
		go func() {
			o, err := ticket.Wait(context.Background())
			e, _ := tx.Decode(raw)
			out.Lock()
			defer out.Unlock()
			switch no := (*op.Refusal)(nil); {
			case errors.As(err, &no):
				fmt.Println("ack", e.Body.Nonce, e.Body.Account, no.Code)
			case err == nil:
				fmt.Println("ack", e.Body.Nonce, e.Body.Account, o.Code)
			}
		}()
	}
}

// Kills of the default run; COMMONWATT_KILLS asks for more.
const killsDefault = 50

// A node that is killed at random under load loses no acknowledged envelope and
// applies none twice. The client is a real one: what was not acknowledged it
// sends again, the same bytes, to the next process.
func TestKilledNodeKeepsItsWord(t *testing.T) {
	kills := killsDefault
	if text := os.Getenv("COMMONWATT_KILLS"); text != "" {
		kills, _ = strconv.Atoi(text)
	} else if testing.Short() {
		kills = 5
	}
	const accounts = 8
	n, dir := start(t, accounts)
	fund(t, n, accounts)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	c := client{dir: dir, accounts: accounts, acked: map[uint64]bool{}, nonce: 1}
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for i := range kills {
		if err := c.live(time.Duration(random.IntN(150)) * time.Millisecond); err != nil {
			t.Fatalf("kill %d: %v", i, err)
		}
	}
	c.check(t)
	t.Logf("%d kills, %d envelopes acknowledged, %d in doubt at the end", kills, len(c.acked), len(c.doubt))
}

// client sends transfers of one unit each, round the accounts.
type client struct {
	dir      string
	accounts uint64
	nonce    uint64
	acked    map[uint64]bool // By nonce.
	doubt    []uint64        // Sent and not acknowledged.
}

// from is the account that signs the envelope with a nonce.
func (c *client) from(nonce uint64) tx.AccountID { return tx.AccountID(nonce%c.accounts + 1) }

func (c *client) envelope(nonce uint64) []byte {
	from := c.from(nonce)
	return transfer(from, from%tx.AccountID(c.accounts)+1, nonce, 1)
}

// live starts a process, sends what is in doubt and then more, and kills it some
// time after its first acknowledgement.
func (c *client) live(life time.Duration) error {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+c.dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() || lines.Text() != "up" {
		_ = cmd.Process.Kill()
		return fmt.Errorf("the node does not come up: %q", lines.Text())
	}
	var sending sync.WaitGroup
	underway := make(chan struct{}, underwayMax)
	gone := make(chan struct{})
	sending.Go(func() { c.send(stdin, underway, gone) })
	err = c.receive(lines, underway, func() { time.AfterFunc(life, func() { _ = cmd.Process.Signal(syscall.SIGKILL) }) })
	close(gone)
	_ = cmd.Process.Kill() // It is dead, unless something is wrong.
	sending.Wait()
	_ = cmd.Wait()
	c.settle()
	return err
}

// underwayMax bounds what is sent and not acknowledged, so that what is sent again
// is within the ledger's window of nonces.
const underwayMax = party.NonceWindow / 2

// send writes what is in doubt, then new envelopes until the process is gone.
func (c *client) send(stdin io.Writer, underway chan<- struct{}, gone <-chan struct{}) {
	for _, nonce := range c.doubt {
		underway <- struct{}{} // There were no more than this before.
		if _, err := fmt.Fprintln(stdin, hex.EncodeToString(c.envelope(nonce))); err != nil {
			return
		}
	}
	for {
		select {
		case underway <- struct{}{}:
		case <-gone:
			return
		}
		c.nonce++
		c.doubt = append(c.doubt, c.nonce)
		if _, err := fmt.Fprintln(stdin, hex.EncodeToString(c.envelope(c.nonce))); err != nil {
			return
		}
	}
}

// receive reads acknowledgements until the process is gone.
func (c *client) receive(lines *bufio.Scanner, underway <-chan struct{}, first func()) error {
	none := true
	for lines.Scan() {
		var nonce, account uint64
		var code uint32
		if n, _ := fmt.Sscanf(lines.Text(), "ack %d %d %d", &nonce, &account, &code); n < 3 {
			continue // Cut off by the kill.
		}
		if code != 0 && code != party.ErrNonceUsed.Code {
			return fmt.Errorf("envelope %d is refused with code %d", nonce, code)
		}
		c.acked[nonce] = true
		<-underway
		if none {
			none = false
			first()
		}
	}
	return nil
}

// settle keeps in doubt what was not acknowledged.
func (c *client) settle() {
	rest := c.doubt[:0]
	for _, nonce := range c.doubt {
		if !c.acked[nonce] {
			rest = append(rest, nonce)
		}
	}
	c.doubt = rest
}

// check opens the ledger a last time and counts how often each envelope was
// applied.
func (c *client) check(t *testing.T) {
	n := open(t, c.dir)
	if err := n.Seen(context.Background(), n.Height()); err != nil {
		t.Fatal(err)
	}
	applied := map[uint64]int{}
	height := n.Height()
	n.Read(func(rows state.Reader, _ machine.Head) {
		if err := machine.Audit(rows); err != nil {
			t.Error(err)
		}
		var sum quantity.Money
		for a := tx.AccountID(1); a <= tx.AccountID(c.accounts); a++ {
			sum += ledger.BalanceOf(rows, a, euro).Posted
		}
		if sum != purse*quantity.Money(c.accounts) {
			t.Errorf("balances sum to %d", sum)
		}
	})
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	for record := range records(t, c.dir) {
		for _, o := range record.Outcomes {
			if o.Code == 0 && o.Nonce > 1 {
				applied[o.Nonce]++
			}
		}
	}
	for nonce := range c.acked {
		if applied[nonce] != 1 {
			t.Errorf("envelope %d was acknowledged and applied %d times", nonce, applied[nonce])
		}
	}
	for nonce, times := range applied {
		if times > 1 {
			t.Errorf("envelope %d was applied %d times", nonce, times)
		}
	}
	if len(c.acked) == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("height %d, %d applied", height, len(applied))
	if _, err := node.Verify(context.Background(), c.dir, func(int64, int64) {}); err != nil {
		t.Error(err)
	}
}
