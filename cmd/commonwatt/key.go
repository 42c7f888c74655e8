package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/keyfile"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/store"
)

// keyFiles are the files of a node's or a signer's folder that hold a secret key which
// signs.
var keyFiles = []string{
	"validator_key.json", "node_key.json", "chain/validator_key.json", "chain/node_key.json", operator.KeyFile, operator.OrganisationFile, operator.ReceiptKeyFile,
}

func keyCommand(source *passphraseSource) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key",
		Short: "Encrypt a node's keys with a passphrase, and back",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(keyEncryptCommand(source), keyDecryptCommand(source), keySignFromCommand())
	return cmd
}

func keyEncryptCommand(source *passphraseSource) *cobra.Command {
	return &cobra.Command{
		Use:   "encrypt DIR",
		Short: "Encrypt the keys of a folder with a passphrase",
		Long: `Encrypt encrypts the validator's, the node's, the operator's and the organisation's
keys of a folder with one passphrase (Argon2id, XChaCha20-Poly1305). From then on "up" and
every command that signs asks for it, once: on the terminal, or in the file that
--passphrase-file names, or in systemd's $CREDENTIALS_DIRECTORY/passphrase. Backups hold the
keys as they are.

Without the passphrase the keys are lost: keep it, or a copy of the folder, elsewhere. What
was on the disk in the clear may be found there for a while.`,
		Example:           `  commonwatt key encrypt elm-street`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return rekey(cmd, args[0], func(files []keyOf) error {
				secret, err := source.choose(cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				for i, f := range files {
					if keyfile.Encrypted(f.text) {
						if _, err := keyfile.Decrypt(f.text, secret); err != nil {
							return fmt.Errorf("%s is encrypted already: %w; nothing was changed", f.name, err)
						}
						continue
					}
					files[i].changed = keyfile.Encrypt(f.text, secret, keyfile.CostDefault)
				}
				return nil
			}, "encrypted")
		},
	}
}

func keyDecryptCommand(source *passphraseSource) *cobra.Command {
	return &cobra.Command{
		Use:               "decrypt DIR",
		Short:             "Decrypt the keys of a folder",
		Long:              `Decrypt undoes "key encrypt": nobody is asked for a passphrase any more, and whoever reads the files has the keys.`,
		Example:           `  commonwatt key decrypt elm-street`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			return rekey(cmd, args[0], func(files []keyOf) error {
				var secret []byte
				for i, f := range files {
					if !keyfile.Encrypted(f.text) {
						continue
					}
					var err error
					if secret == nil {
						if secret, err = source.read(cmd.ErrOrStderr()); err != nil {
							return err
						}
					}
					if files[i].changed, err = keyfile.Decrypt(f.text, secret); err != nil {
						return fmt.Errorf("%s: %w; nothing was changed", f.name, err)
					}
				}
				return nil
			}, "decrypted")
		},
	}
}

func keySignFromCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "sign-from DIR HEIGHT",
		Short: "Let a validator sign from a height on, whatever it forgot of what it signed",
		Long: `Sign-from is for a validator that does not know what it signed last: its folder was restored
and the others cannot decide without it, or its file validator_state.json is lost. It then
signs for HEIGHT and later, and never before. Give a height that it never signed for: one more
than any height that the network has reached or tried. Whoever signs twice for one height is found out,
and loses its power.`,
		Example:           `  commonwatt key sign-from elm-street 120500`,
		Args:              usage(cobra.ExactArgs(2)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			height, err := strconv.ParseInt(args[1], 10, 64)
			if err != nil || height < 1 {
				return badInput(fmt.Errorf("%q: give a height, as in 120500", args[1]))
			}
			return signFrom(cmd, args[0], height)
		},
	}
}

// signFrom refuses a height that the folder itself has reached, which is a node's or a
// signer's.
func signFrom(cmd *cobra.Command, dir string, height int64) (err error) {
	if !node.IsSigner(dir) {
		if err := checkLedger(dir); err != nil {
			return err
		}
	}
	release, err := lockFolder(dir, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if !node.IsSigner(dir) { // A signer has no blocks.
		s, err := node.Inspect(dir)
		if err != nil {
			return err
		}
		if height <= s.Height {
			return badInput(fmt.Errorf("%d: the folder has blocks up to height %d: give a later one", height, s.Height))
		}
	}
	if err := node.SignFrom(dir, height); errors.Is(err, chain.ErrMark) || errors.Is(err, chain.ErrKeyAway) {
		return badInput(err)
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "the validator of %s signs from height %d on\n", dir, height)
	return err
}

// keyOf is a file with a key, and what it becomes, which is nil when it stays.
type keyOf struct {
	name, path    string
	text, changed []byte
}

// rekey changes the files with keys of a folder in which no node runs: what change
// decides for all of them first.
func rekey(cmd *cobra.Command, dir string, change func([]keyOf) error, done string) (err error) {
	release, err := lockFolder(dir, true)
	if errors.Is(err, fs.ErrNotExist) {
		return badInput(fmt.Errorf("%s: there is no such folder", dir))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	var files []keyOf
	for _, name := range keyFiles {
		path := filepath.Join(dir, filepath.FromSlash(name))
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		files = append(files, keyOf{name: name, path: path, text: text})
	}
	if len(files) == 0 {
		return badInput(fmt.Errorf("%s holds no keys", dir))
	}
	if err := change(files); err != nil {
		return err
	}
	var names []string
	for _, f := range files {
		if f.changed == nil {
			continue
		}
		if err := keyfile.Replace(f.path, f.changed); err != nil {
			return err
		}
		names = append(names, f.name)
	}
	if len(names) == 0 {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "the keys in %s are %s already\n", dir, done)
		return err
	}
	if err := store.Reseal(dir, names...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", done, strings.Join(names, ", "))
	return err
}

// plainKeys names the files of a folder with a key in the clear.
func plainKeys(dir string) (names []string) {
	for _, name := range keyFiles {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err == nil && !keyfile.Encrypted(text) {
			names = append(names, name)
		}
	}
	return names
}
