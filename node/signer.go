package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/pelletier/go-toml/v2"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/store"
)

// SignerFile says, in the folder of a validator's signer, for what and for whom it signs.
// It makes the folder a signer's.
const SignerFile = "signer.toml"

// SignerSettings are how a validator's signer runs.
type SignerSettings struct {
	Chain string   `toml:"chain" comment:"The ledger that it signs for, and no other."`
	Nodes []string `toml:"nodes" comment:"Where the nodes that may ask it wait for it, each as ID@HOST:PORT."`
}

// ErrSigner means that a folder is a signer's already.
var ErrSigner = errors.New("node: the folder is a signer's already")

// ErrNoSigner means that a folder is no signer's.
var ErrNoSigner = errors.New("node: the folder is no signer's")

// IsSigner reports whether a folder is a signer's.
func IsSigner(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, SignerFile))
	return err == nil
}

// LoadSigner reads how a folder's signer runs.
//
// Errors: ErrNoSigner; *SettingsError; those of the disk.
func LoadSigner(dir string) (s SignerSettings, err error) {
	text, err := os.ReadFile(filepath.Join(dir, SignerFile))
	if errors.Is(err, fs.ErrNotExist) {
		return s, ErrNoSigner
	}
	if err != nil {
		return s, fmt.Errorf("node: signer: %w", err)
	}
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&s); err != nil {
		return s, in(SignerFile, unread(err))
	}
	return s, in(SignerFile, s.check())
}

func (s SignerSettings) check() error {
	switch {
	case s.Chain == "":
		return &SettingsError{Key: "chain", Reason: "say which ledger it signs for"}
	case len(s.Nodes) == 0:
		return &SettingsError{Key: "nodes", Reason: "say where a node waits for it"}
	}
	for _, node := range s.Nodes {
		if err := checkPeer(node); err != nil {
			return &SettingsError{Key: "nodes", Reason: err.Error()}
		}
	}
	return nil
}

// in says in which file settings are wrong.
func in(file string, err error) error {
	if bad, ok := errors.AsType[*SettingsError](err); ok {
		bad.File = file
	}
	return err
}

// MoveSigner moves the validator's key of a stopped node's folder, with the mark of what
// it signed last, into a signer's new folder. From then on the node waits for the signer
// at an address, and the signer dials it at reach. A move that was cut short is done by
// the next one.
//
// Errors: ErrSigner; *SettingsError; those of chain.MoveSigner.
func MoveSigner(dir, to, listen, reach string) error {
	if IsSigner(to) {
		return fmt.Errorf("%w: %s", ErrSigner, to)
	}
	settings, err := LoadSettings(dir)
	if err != nil {
		return err
	}
	from := filepath.Join(dir, chainDir)
	self, err := chain.Keys(from)
	if err != nil {
		return err
	}
	signer := SignerSettings{Nodes: []string{self.Node + "@" + reach}}
	if signer.Chain, _, err = chain.Founding(from); err != nil {
		return err
	}
	if err := in(SignerFile, signer.check()); err != nil {
		return err
	}
	if err := store.Unseal(dir); err != nil {
		return err
	}
	err = chain.MoveSigner(from, to, func(id string) error {
		settings.Signer = id + "@" + listen
		return settings.Save(dir)
	})
	if err != nil {
		return err
	}
	text, err := toml.Marshal(signer)
	if err != nil {
		return fmt.Errorf("node: signer: %w", err)
	}
	return replaceFile(filepath.Join(to, SignerFile), append([]byte(signerHead), text...))
}

// signerHead begins the file.
const signerHead = "# How this signer runs. It reads the file when it starts.\n\n"

// Sign signs for a validator, in a process that has the folder for itself, until the
// context ends, whose cause it returns.
//
// Errors: those of LoadSigner and chain.Sign.
func Sign(ctx context.Context, dir string, log *slog.Logger) error {
	s, err := LoadSigner(dir)
	if err != nil {
		return err
	}
	return chain.Sign(ctx, chain.SignerConfig{Dir: dir, Chain: s.Chain, Nodes: s.Nodes, Log: log})
}

// Signer says how it stands with the validator's signer; nil: the folder has the key.
func (n *Node) Signer() *chain.Signer { return n.chain.Signer() }
