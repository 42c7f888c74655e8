package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/tx"
)

func deviceKeyCommand() *cobra.Command {
	var replaced, bridged, revoke, dryRun bool
	cmd := &cobra.Command{
		Use:   "key DIR METER [KEY]",
		Short: "Give a meter's device the key that it signs readings with",
		Long: `Key gives the device of a meter its first key or the next one, whose epoch begins:
what the key before signs is refused from then on. KEY is the device's public Ed25519
key: 64 hexadecimal digits, base64, or a PEM file as openssl writes it. The private key
stays in the device.

A meter that does not sign is read by a gateway in the home, which signs for it: give the
gateway's key with --bridged, for each meter that it reads. Pages and receipts tell.

A device that can bring its key itself does so with a code: commonwatt meter code.
--revoke takes the key away, and the password by which the device connects.

The node that runs in DIR books it as the operator, for members whose accounts have no
key of their own yet. A member who has one signs device.enrol_key itself.`,
		Example: `  commonwatt meter key elm-street anna 3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c
  commonwatt meter key elm-street anna anna-pub.pem --replaced
  commonwatt meter key elm-street anna gateway-pub.pem --bridged
  commonwatt meter key elm-street anna --revoke`,
		Args: usage(cobra.RangeArgs(2, 3)),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := deviceOf(args[0], args[1])
			if err != nil {
				return err
			}
			k := live.DeviceKey{Revoke: &device.RevokeKey{Microgrid: d.Microgrid, Device: d.Device}}
			switch {
			case revoke && len(args) == 3:
				return badInput(errors.New("--revoke takes the key away that there is: leave KEY out"))
			case !revoke && len(args) == 2:
				return badInput(errors.New("KEY is missing: give the device's public key, or --revoke"))
			case !revoke:
				key, err := publicKey(args[2])
				if err != nil {
					return badInput(err)
				}
				k = live.DeviceKey{Enrol: &device.EnrolKey{Microgrid: d.Microgrid, Device: d.Device, Key: key, Replaced: replaced, Bridged: bridged}}
			}
			return bookKey(cmd, args[0], args[1], k, dryRun)
		},
		ValidArgsFunction: folders,
	}
	cmd.Flags().BoolVar(&replaced, "replaced", false, "another meter with registers of its own: its first reading is where they begin")
	cmd.Flags().BoolVar(&bridged, "bridged", false, "the key is not the meter's own but a gateway's in the home, which signs for it")
	cmd.Flags().BoolVar(&revoke, "revoke", false, "take the key away: it was lost, or somebody else has it")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "say what would be booked, and book nothing")
	return cmd
}

// deviceOf is the device of a meter of a folder's community.
func deviceOf(dir, meter string) (grid.Device, error) {
	c, err := loadCommunity(dir)
	if err != nil {
		return grid.Device{}, err
	}
	if !c.Meters().Has(meter) {
		next := fmt.Sprintf(`"commonwatt meter list %s" lists them`, shellWord(dir))
		if near := c.Meters().Nearest(meter); near != "" {
			next = fmt.Sprintf("did you mean %q?", near)
		}
		return grid.Device{}, badInput(fmt.Errorf("there is no meter %q: %s", meter, next))
	}
	return grid.Device{Microgrid: c.Microgrid(), Device: c.DeviceID(meter)}, nil
}

// publicKey reads an Ed25519 public key in one of the forms that people have it in.
func publicKey(text string) ([]byte, error) {
	key, err := hex.DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		key, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil || len(key) != ed25519.PublicKeySize {
		key, err = pemKey(text)
	}
	if err != nil {
		return nil, fmt.Errorf("%q is no public Ed25519 key: give 64 hexadecimal digits, base64 of 32 bytes, or a PEM file: %w", text, err)
	}
	if k := tx.Ed25519Key(key); k.Check() != nil || k.Weak() {
		return nil, fmt.Errorf("%q is a key that anyone could sign for: make another one in the device", text)
	}
	return key, nil
}

// pemKey reads a public key from a file.
func pemKey(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the file is not PEM")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if public, ok := key.(ed25519.PublicKey); ok {
		return public, nil
	}
	return nil, errors.Join(errors.New("the file holds no public Ed25519 key"), err)
}

// bookKey books what becomes of a device's key by the node that runs in a folder.
func bookKey(cmd *cobra.Command, dir, meter string, k live.DeviceKey, dryRun bool) error {
	if dryRun {
		o, _ := k.Operation()
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "would book: %s\nnothing was booked\n", operations(live.Describe([]tx.Operation{o})))
		return err
	}
	client, err := runningNode(cmd, dir)
	if errors.Is(err, live.ErrNotRunning) {
		return badInput(fmt.Errorf("%s: %w: run \"commonwatt up %s\" first", dir, err, shellWord(dir)))
	}
	if err != nil {
		return err
	}
	epoch, err := client.DeviceKey(cmd.Context(), k)
	switch {
	case err != nil:
		return refusedByNode(err)
	case k.Revoke != nil:
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s has no key any more: what it signs is refused\n", meter)
	case k.Enrol.Bridged:
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s does not sign: the home's gateway signs for it with the key of epoch %d. Its way in: commonwatt meter credential %s %s\n",
			meter, epoch, shellWord(dir), shellWord(meter))
	default:
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s signs with its key of epoch %d. Its way in: commonwatt meter credential %s %s\n",
			meter, epoch, shellWord(dir), shellWord(meter))
	}
	return err
}
