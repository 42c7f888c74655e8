package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/device"
)

// deviceEnrolFlags are the flags of device enrol.
type deviceEnrolFlags struct {
	node    string
	ca      string
	key     string
	bridged bool
}

func deviceCommand() *cobra.Command {
	cmd := group("device", "Be a device: enrol a key, sign readings, check receipts",
		deviceEnrolCommand(), deviceSignCommand(), deviceSendCommand(), deviceCheckCommand())
	cmd.Long = `Device does on this computer what a meter's device does: it makes a key, brings a code
to the node, signs what a meter's registers read, and checks what it is told. It needs no
community's folder; all it knows is in a folder of its own.`
	return cmd
}

func deviceEnrolCommand() *cobra.Command {
	var f deviceEnrolFlags
	cmd := &cobra.Command{
		Use:   "enrol CODE DIR",
		Short: "Make a key and enrol it by a one-time code",
		Long: `Enrol makes a key in DIR, which nobody else can read, brings the code and the public key
to the node, and keeps in DIR what the node answers: the number of the device, the ledger,
name and password of MQTT, and the key by which the node signs receipts.

CODE is the address that a QR code holds, as in https://elm.example/meters#K7QM-2X9P-4HTA,
or the code alone with --node. A folder that has a key is left alone: another key of the
same meter needs another folder. When the answer was lost, make a new code and name the key
with --key: it is enrolled once.`,
		Example: `  commonwatt device enrol http://localhost:8420/meters#K7QM-2X9P-4HTA anna-meter
  commonwatt device enrol K7QM-2X9P-4HTA anna-meter --node https://elm.example --ca tls-cert.pem`,
		Args: usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error { return enrolDevice(cmd, args[0], args[1], f) },
	}
	cmd.Flags().StringVar(&f.node, "node", "", "address of the node, where CODE is not an address")
	cmd.Flags().StringVar(&f.ca, "ca", "", "certificate to trust besides the system's, as the node made with --tls auto")
	cmd.Flags().StringVar(&f.key, "key", "", "private key that there is, in PEM (default: a new one)")
	cmd.Flags().BoolVar(&f.bridged, "bridged", false, "the key is not the meter's own but a gateway's in the home, which signs for it")
	return cmd
}

// codeAndNode takes an address of a code apart.
func codeAndNode(text, node string) (code, origin string, err error) {
	u, bad := url.Parse(text)
	if bad == nil && u.Host != "" && u.Fragment != "" {
		return u.Fragment, u.Scheme + "://" + u.Host, nil
	}
	if bad == nil && u.Host != "" {
		return "", "", badInput(fmt.Errorf("%s: the code is missing, which follows #: in a shell, put the address in quotes", text))
	}
	if node == "" {
		return "", "", badInput(fmt.Errorf("%s: where is the node? Give the whole address of the code, or --node as in https://elm.example", text))
	}
	if u, bad := url.Parse(node); bad != nil || u.Host == "" {
		return "", "", badInput(fmt.Errorf("--node %s: write it as in https://elm.example", node))
	}
	return text, strings.TrimSuffix(node, "/"), nil
}

// enrolDevice runs device enrol.
func enrolDevice(cmd *cobra.Command, text, dir string, f deviceEnrolFlags) error {
	code, origin, err := codeAndNode(text, f.node)
	if err != nil {
		return err
	}
	d := &enrolledDevice{dir: dir, CA: f.ca}
	if _, err := os.Stat(filepath.Join(dir, deviceFile)); err == nil {
		return badInput(fmt.Errorf("%s is there already, and is not written over: name another folder", filepath.Join(dir, deviceFile)))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, deviceKeyFile)
	made := f.key == ""
	if made {
		d.key, err = makeDeviceKey(path)
	} else {
		d.key, err = readDeviceKey(f.key)
	}
	if err != nil {
		return err
	}
	if d.Enrolled, err = bring(cmd, origin, code, d, f); err != nil {
		if _, refused := errors.AsType[*exitError](err); made && refused {
			return errors.Join(err, os.Remove(path)) // It is nobody's.
		}
		if made {
			return fmt.Errorf("%w; whether the key is enrolled is not known: make a new code and try again with --key %s", err, shellWord(path))
		}
		return err
	}
	if !made && !sameFile(f.key, path) {
		if err := copyKey(f.key, path); err != nil {
			return err
		}
	}
	if err := d.save(); err != nil {
		return err
	}
	return d.greet(cmd.OutOrStdout())
}

// bring brings code and key to the node.
func bring(cmd *cobra.Command, origin, code string, d *enrolledDevice, f deviceEnrolFlags) (told api.Enrolled, err error) {
	text, err := json.Marshal(api.Enrolment{
		Code: code, Key: d.key.Public().(ed25519.PublicKey), Signature: device.SignEnrolment(code, d.key), Bridged: f.bridged,
	})
	if err != nil {
		return told, err
	}
	r, err := http.NewRequestWithContext(cmd.Context(), http.MethodPost, origin+api.Prefix+"/devices/enrol", bytes.NewReader(text))
	if err != nil {
		return told, badInput(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return told, askNode(r, f.ca, &told)
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	two, bad := os.Stat(b)
	return err == nil && bad == nil && os.SameFile(one, two)
}

// copyKey copies a key into the device's folder.
func copyKey(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

// greet says what the device is now, and how to try it.
func (d *enrolledDevice) greet(w io.Writer) error {
	folder := shellWord(d.dir)
	fmt.Fprintf(w, "%s signs with its key of epoch %d on the ledger %s, every %d minutes.\n", d.Meter, d.Epoch, d.Chain, d.Interval/60)
	fmt.Fprintf(w, "\ncommonwatt device send %s --import 1234567\n", folder)
	if u, err := url.Parse(d.MQTT); err == nil && u.Host != "" {
		secure := ""
		if u.Scheme == "mqtts" && d.CA != "" {
			secure = " --cafile " + shellWord(d.CA)
		}
		at := fmt.Sprintf("-h %s -p %s%s -u %s -P %s -q 1", u.Hostname(), u.Port(), secure, d.User, shellWord(d.Password))
		fmt.Fprintf(w, "\nOr over MQTT, where it hears what becomes of it:\ncommonwatt device sign %s --import 1234567 > message.cose\nmosquitto_sub %s -t %s | commonwatt device check %s\nmosquitto_pub %s -t %s -f message.cose\n",
			folder, at, d.Receipt, folder, at, d.Reading)
	}
	_, err := fmt.Fprintf(w, "\nThe password is in %s, which nobody else can read.\n", shellWord(filepath.Join(d.dir, deviceFile)))
	return err
}
