package chain

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A change of a figure or a letter in a file of keys, signatures or the genesis, which
// can still be read, keeps the chain from starting.
func TestChangedFilesDoNotStart(t *testing.T) {
	d := newDisk(t)
	app := newCounter(t, d.db("app"))
	c := d.start(t, app)
	for name := range uint64(3) {
		submit(t, c, app, name)
	}
	stop(t, c)
	for _, change := range []struct{ file, old, new string }{
		{genesisFile, `"max_age_num_blocks": "1`, `"max_age_num_blocks": "3`},
		{signedFile, `"height": "`, `"height": "1`},
		{signedFile, `"round": 0`, `"round": 4`},
		{signedFile, `"step": 3`, `"step": 2`},
		{signerFile, `"address": "`, `"address": "0`},
	} {
		path := filepath.Join(d.dir, change.file)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		after := strings.Replace(string(before), change.old, change.new, 1)
		if change.file == signerFile { // The address keeps its length.
			at := strings.Index(string(before), change.old) + len(change.old)
			after = string(before[:at]) + string('0'+(before[at]-'0'+1)%2) + string(before[at+1:])
		}
		if after == string(before) {
			t.Fatalf("%s does not have %s: %s", change.file, change.old, before)
		}
		if err := os.WriteFile(path, []byte(after), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(Config{Dir: d.dir, Log: silent}, newCounter(t, d.db("app")), d.kv); !errors.Is(err, ErrChanged) {
			t.Errorf("%s with %s: %v", change.file, change.new, err)
		}
		if err := os.WriteFile(path, before, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A validator on its own that signed more than it has was robbed of blocks, whether its
	// log of votes says so or is gone, too.
	for range 2 {
		d.dbs = newDisk(t).dbs
		if _, err := Start(Config{Dir: d.dir, Log: silent}, newCounter(t, d.db("app")), d.kv); !errors.Is(err, ErrBroken) {
			t.Errorf("blocks that are gone: %v", err)
		}
		if err := os.RemoveAll(filepath.Join(d.dir, walFolder)); err != nil {
			t.Fatal(err)
		}
	}
}
