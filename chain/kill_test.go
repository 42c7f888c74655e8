package chain

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	dbm "github.com/cometbft/cometbft-db"
)

// victimDir, when set, makes this test binary a node in that folder.
const victimDir = "COMMONWATT_TEST_VICTIM"

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// victim runs a node that submits transactions as fast as it can, each under the
// next name, and writes the name of each that a commit has made last.
func victim(dir string) error {
	app, kv, err := onDisk(dir)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	app.await(func(names []uint64) {
		for _, name := range names {
			fmt.Fprintln(out, name)
		}
		out.Flush()
	})
	c, err := Start(Config{Dir: dir, Log: silent}, app, kv)
	if err != nil {
		return err
	}
	for name := uint64(time.Now().UnixNano()); ; {
		switch err := c.Submit(tx(name, 200)); {
		case err == nil:
			name++
		case !errors.Is(err, ErrFull):
			return err
		}
	}
}

// onDisk opens the application and the databases of a folder.
func onDisk(dir string) (*counter, func(string) KV, error) {
	var failed error
	open := func(name string) dbm.DB {
		db, err := dbm.NewGoLevelDB(name, dir)
		failed = errors.Join(failed, err)
		return db
	}
	dbs := map[string]dbm.DB{}
	for _, name := range []string{"app", blocksMap, stateMap, evidenceMap} {
		dbs[name] = open(name)
	}
	if failed != nil {
		return nil, nil, failed
	}
	app, err := loadCounter(dbs["app"])
	return app, func(name string) KV { return mapKV{dbs[name]} }, err
}

// A node is killed under load again and again. What it said was made last is in
// the chain afterwards, and nothing is in it twice.
func TestKilledUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := Init(dir, Genesis{ChainID: "test"}); err != nil {
		t.Fatal(err)
	}
	said := map[uint64]bool{}
	for round := range campaign(t, "COMMONWATT_CAMPAIGN", 3) {
		before := len(said)
		killAfter(t, dir, 200*time.Millisecond+time.Duration(round%7)*37*time.Millisecond, said)
		if len(said) == before {
			t.Fatalf("round %d: the node did nothing", round)
		}
	}
	app, kv, err := onDisk(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Start(Config{Dir: dir, Log: silent}, app, kv)
	if err != nil {
		t.Fatal(err)
	}
	stop(t, c)
	for name := range said {
		if !app.committed(name) {
			t.Errorf("transaction %d is lost", name)
		}
	}
	times := map[uint64]int{}
	for block, err := range Blocks(dir, kv) {
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range block.Txs {
			times[nameOf(tx)]++
		}
	}
	for name, n := range times {
		if n > 1 {
			t.Errorf("transaction %d is in %d blocks", name, n)
		}
	}
	t.Logf("%d transactions acknowledged", len(said))
}

// killAfter runs a node and kills it some time after its first commit.
func killAfter(t *testing.T, dir string, after time.Duration, said map[uint64]bool) {
	t.Helper()
	node := exec.CommandContext(t.Context(), os.Args[0])
	node.Env = append(os.Environ(), victimDir+"="+dir)
	node.Stderr = os.Stderr
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for first := true; ; first = false {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if first {
			time.AfterFunc(after, func() { _ = node.Process.Kill() })
		}
		name, err := strconv.ParseUint(line[:len(line)-1], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		said[name] = true
	}
	var killed *exec.ExitError
	if err := node.Wait(); !errors.As(err, &killed) || killed.Exited() {
		t.Fatalf("the node ended by itself: %v", err)
	}
}

// campaign is how much a test of chance does: few by default, and as many as a variable
// of the environment says.
func campaign(t *testing.T, variable string, few int) int {
	t.Helper()
	if text := os.Getenv(variable); text != "" {
		rounds, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return rounds
	}
	return few
}
