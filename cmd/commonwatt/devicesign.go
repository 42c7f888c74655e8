package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/quantity"
)

// registersFlags are what a meter shows.
type registersFlags struct {
	imported, exported int64
	start              string
	quality            string
	lostClock          bool
}

// add adds the flags to a command.
func (f *registersFlags) add(cmd *cobra.Command) {
	cmd.Flags().Int64Var(&f.imported, "import", 0, "register of energy taken, in Wh, at the end of the interval (OBIS 1.8.0)")
	cmd.Flags().Int64Var(&f.exported, "export", 0, "register of energy given, in Wh (OBIS 2.8.0)")
	cmd.Flags().StringVar(&f.start, "start", "", "of the interval, as in 2026-06-01T10:00:00Z (default: the last one that is over)")
	cmd.Flags().StringVar(&f.quality, "quality", "A", "letter of NEM12: A measured, E estimated, F or S substituted")
	cmd.Flags().BoolVar(&f.lostClock, "clock-lost", false, "the device's clock was not set: the message counts, and its time does not")
	_ = cmd.MarkFlagRequired("import") // The flag is there.
}

func deviceSignCommand() *cobra.Command {
	var f registersFlags
	cmd := &cobra.Command{
		Use:   "sign DIR --import WH",
		Short: "Sign what a meter's registers read, as one message",
		Long: `Sign writes to standard output the message that says what the registers of the device's
meter read at the end of an interval: a COSE_Sign1 of some 150 bytes, to be published or
posted as it is. Registers only count up: the energy of an interval is the difference of
two messages.

Each message has the next sequence number. It is used up before the message is written, so
no two messages have the same one.`,
		Example: `  commonwatt device sign anna-meter --import 1234567 > message.cose`,
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, raw, err := signNext(args[0], f)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(raw)
			return err
		},
	}
	f.add(cmd)
	return cmd
}

func deviceSendCommand() *cobra.Command {
	var f registersFlags
	cmd := &cobra.Command{
		Use:   "send DIR --import WH",
		Short: "Sign what a meter's registers read, send it and check the receipt",
		Long: `Send signs a message as sign does and posts it to the node. The answer comes when the
message is on the ledger, or refused, and its receipt is checked: signed by the node, for
this ledger, of this message. The exit code is 1 when it is refused.`,
		Example: `  commonwatt device send anna-meter --import 1234567 --export 250`,
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, raw, err := signNext(args[0], f)
			if err != nil {
				return err
			}
			return d.post(cmd, raw)
		},
	}
	f.add(cmd)
	return cmd
}

// signNext signs the next message of a device and notes its sequence.
func signNext(dir string, f registersFlags) (*enrolledDevice, []byte, error) {
	d, err := openDevice(dir)
	if err != nil {
		return nil, nil, err
	}
	length := interval.Time(d.Interval)
	start := interval.Time(time.Now().Unix())/length*length - length
	if f.start != "" {
		at, err := time.Parse(time.RFC3339, f.start)
		if err != nil {
			return nil, nil, badInput(fmt.Errorf("--start %q: write it as in 2026-06-01T10:00:00Z", f.start))
		}
		start = interval.Time(at.Unix())
	}
	if len(f.quality) != 1 {
		return nil, nil, badInput(fmt.Errorf("--quality %q: give one letter: A, E, F or S", f.quality))
	}
	m := device.Message{
		Version: device.Version, Microgrid: d.Microgrid, Device: d.Device, Epoch: d.Epoch, Sequence: d.Sequence + 1,
		Start: start, Duration: uint32(d.Interval), //nolint:gosec // a length of intervals
		Import: quantity.Energy(f.imported), Export: quantity.Energy(f.exported), Quality: metering.Quality(f.quality[0]), Clock: device.Synchronised,
	}
	if f.lostClock {
		m.Clock = device.Unsynchronised
	}
	raw, err := device.Sign(m, d.Chain, d.key)
	if err != nil {
		return nil, nil, badInput(err)
	}
	d.Sequence++
	return d, raw, d.save()
}

// post posts a message and prints what became of it.
func (d *enrolledDevice) post(cmd *cobra.Command, raw []byte) error {
	r, err := http.NewRequestWithContext(cmd.Context(), http.MethodPost, d.Post, bytes.NewReader(raw))
	if err != nil {
		return badInput(err)
	}
	r.Header.Set("Content-Type", "application/cose")
	r.SetBasicAuth(d.User, d.Password)
	var told api.Delivered
	if err := askNode(r, d.CA, &told); err != nil {
		return err
	}
	if len(told.Receipts) != 1 {
		return fmt.Errorf("the node answers with %d receipts of one message", len(told.Receipts))
	}
	receipt, err := d.open(told.Receipts[0])
	if err != nil {
		return err
	}
	if !receipt.Of(raw) {
		return errors.New("the receipt is of another message: do not trust this node")
	}
	return tellReceipt(cmd.OutOrStdout(), receipt, told.Receipts[0])
}

// open reads a receipt and checks that the node signed it for this device.
func (d *enrolledDevice) open(text []byte) (*device.Receipt, error) {
	var said live.Receipt
	if err := json.Unmarshal(text, &said); err != nil {
		return nil, badInput(fmt.Errorf("%.80q is no receipt: %w", text, err))
	}
	proof, err := base64.RawURLEncoding.DecodeString(said.Proof)
	if err != nil {
		return nil, fmt.Errorf("the receipt's proof is not base64url: %w", err)
	}
	receipt, err := device.OpenReceipt(proof, d.Chain, d.ReceiptKey)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the receipt cannot be trusted: %w", err)
	case receipt.Microgrid != d.Microgrid || receipt.Device != d.Device:
		return nil, errors.New("the receipt is of another device: it is not for this one")
	}
	return receipt, nil
}

// tellReceipt says in words what the node signed, and why.
func tellReceipt(w io.Writer, r *device.Receipt, text []byte) error {
	var said live.Receipt
	_ = json.Unmarshal(text, &said) // It was read before.
	line := fmt.Sprintf("message %d: %s", r.Sequence, live.Statuses[r.Status])
	if r.Height > 0 {
		line += fmt.Sprintf(" in block %d", r.Height)
	} else {
		line += " before it reached the ledger"
	}
	if said.Why != "" {
		line += ": " + said.Why
	}
	fmt.Fprintln(w, line)
	if r.Status == device.Refused {
		return errors.New("the message was refused")
	}
	return nil
}

func deviceCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check DIR [FILE]",
		Short: "Check receipts that a device heard",
		Long: `Check reads receipts, one a line, from a file or from standard input, and says what each
tells once it is sure that the node signed it, for this ledger and this device. Where one
cannot be trusted it ends with code 1.`,
		Example: `  commonwatt device check anna-meter receipt.json`,
		Args:    usage(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := openDevice(args[0])
			if err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if len(args) == 2 {
				file, err := os.Open(args[1])
				if err != nil {
					return badInput(err)
				}
				defer func() { _ = file.Close() }() // Only read: nothing is lost.
				in = file
			}
			return d.checkAll(cmd.OutOrStdout(), in)
		},
	}
}

// checkAll checks receipts, one a line, as they come.
func (d *enrolledDevice) checkAll(w io.Writer, in io.Reader) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		r, err := d.open(lines.Bytes())
		if err != nil {
			return err
		}
		_ = tellReceipt(w, r, lines.Bytes()) // That it is refused is an answer.
	}
	return lines.Err()
}
