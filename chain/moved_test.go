package chain

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// that was cut short is done by the next one.
func TestMovedKey(t *testing.T) {
	t.Parallel()
	d := newDisk(t)
	to := filepath.Join(t.TempDir(), "signer")
	before, err := Keys(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	open := func(signer string) error {
		_, _, err := openSigner(Config{Dir: d.dir, Signer: signer, Log: silent}, nil)
		return err
	}
	const anybody = "0123456789012345678901234567890123456789@127.0.0.1:1"
	if err := open(anybody); !errors.Is(err, ErrKeyHere) {
		t.Errorf("two may sign: %v", err)
	}
	cut := errors.New("cut short")
	if err := MoveSigner(d.dir, to, func(string) error { return cut }); !errors.Is(err, cut) {
		t.Fatal(err)
	}
	if err := open(""); err != nil {
		t.Errorf("the key has not left, and %v", err)
	}
	var ids []string
	for range 2 { // Again, as when signer.toml was not written.
		if err := MoveSigner(d.dir, to, func(id string) error { ids = append(ids, id); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("the signer is %v", ids)
	}
	for _, name := range []string{signerFile, signedFile} {
		if _, err := os.Stat(filepath.Join(d.dir, name)); err == nil {
			t.Errorf("%s is still with the node", name)
		}
	}
	if after, err := Keys(d.dir); err != nil || !bytes.Equal(after.Validator, before.Validator) || after.Node != before.Node {
		t.Errorf("%v, %v", after, err)
	}
	if err := open(""); !errors.Is(err, ErrKeyAway) {
		t.Errorf("it starts without its key: %v", err)
	}
	if err := SignFrom(d.dir, 7); !errors.Is(err, ErrKeyAway) {
		t.Errorf("a node without a key has a mark: %v", err)
	}
	if err := os.Remove(filepath.Join(to, signedFile)); err != nil {
		t.Fatal(err)
	}
	cfg := SignerConfig{Dir: to, Chain: "test", Log: silent}
	if err := Sign(t.Context(), cfg); !errors.Is(err, ErrNoMark) {
		t.Errorf("it signs without a mark: %v", err)
	}
	if err := SignFrom(to, 7); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Sign(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("with a mark again: %v", err)
	}
	if err := MoveSigner(newDisk(t).dir, to, func(string) error { return nil }); err == nil {
		t.Error("the key of another validator was overwritten")
	}
	restored := newDisk(t)
	if err := Restored(restored.dir); err != nil {
		t.Fatal(err)
	}
	if err := MoveSigner(restored.dir, t.TempDir(), func(string) error { return nil }); !errors.Is(err, ErrRestored) {
		t.Errorf("a mark that is old was moved: %v", err)
	}
}
