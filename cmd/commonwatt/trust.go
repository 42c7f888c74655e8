package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/server"
)

// Bounds of asking a node for its trust.
const (
	trustBytesMax = 4 << 20
	trustTimeout  = 20 * time.Second
)

func trustCommand() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "trust (DIR [HEIGHT] | --from URL)",
		Short: "Print what to trust, for verifying proofs later",
		Long: `Trust prints the last signed header of a ledger, or the one at HEIGHT, with its
validators, as JSON. Whoever keeps it verifies every later proof with it, for a year:
"commonwatt verify FILE --trust trust.json".

With --from it is taken from a node that serves pages. What a node says of itself proves
nothing: compare HEIGHT:HASH, which is printed beside it, with what others say who have
a node of their own.`,
		Example: `  commonwatt trust elm-street > trust.json
  commonwatt trust --from https://elm-street.example > trust.json`,
		Args:              usage(cobra.MaximumNArgs(2)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := theTrust(cmd, args, from)
			if err != nil {
				return err
			}
			if err := t.Check(); err != nil {
				return fmt.Errorf("what came is no trust: %w", err)
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%s, block of %s: compare this with what others say\n%s\n", t.Chain, rfc3339(t.Header.Seconds()), t)
			return errors.Join(err, printJSON(cmd.OutOrStdout(), t))
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "address of a node that serves pages")
	return cmd
}

func theTrust(cmd *cobra.Command, args []string, from string) (t proof.Trust, err error) {
	switch {
	case from != "" && len(args) > 0, from == "" && len(args) == 0:
		return t, badInput(errors.New("name a folder, or an address with --from"))
	case from != "":
		return trustFrom(cmd, from)
	}
	height := int64(0)
	if len(args) == 2 {
		if height, err = strconv.ParseInt(args[1], 10, 64); err != nil || height <= 0 {
			return t, badInput(fmt.Errorf("%.80q is no height: write a number above zero", args[1]))
		}
	}
	if err := checkLedger(args[0]); err != nil {
		return t, err
	}
	client, err := live.Find(cmd.Context(), args[0])
	if err == nil {
		t, err = client.Trust(cmd.Context(), height)
		return t, refusedByNode(err)
	}
	if !errors.Is(err, live.ErrNotRunning) {
		return t, err
	}
	release, err := lockFolder(args[0], false)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, release()) }()
	t, err = node.TrustIn(args[0], height)
	if errors.Is(err, fs.ErrNotExist) {
		err = badInput(err)
	}
	return t, err
}

// trustFrom asks a node that serves pages.
func trustFrom(cmd *cobra.Command, origin string) (t proof.Trust, err error) {
	r, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, strings.TrimSuffix(origin, "/")+server.TrustPath, nil)
	if err != nil {
		return t, badInput(fmt.Errorf("--from: %w", err))
	}
	answer, err := (&http.Client{Timeout: trustTimeout}).Do(r)
	if err != nil {
		return t, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return t, fmt.Errorf("%s answers %s: is it a node of Commonwatt?", origin, answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, trustBytesMax))
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(text, &t); err != nil || t.Header == nil {
		return t, fmt.Errorf("%s does not answer with a trust: is it a node of Commonwatt?", origin)
	}
	return t, nil
}

// readTrust reads what --trust names: HEIGHT:HASH, or a file that the command trust
// wrote.
func readTrust(text string) (t proof.Trust, err error) {
	if t, err := proof.ParseTrust(text); err == nil {
		return t, nil
	}
	raw, err := os.ReadFile(text)
	if errors.Is(err, fs.ErrNotExist) {
		return t, badInput(fmt.Errorf("--trust %.120s: it is neither HEIGHT:HASH nor a file that is there", text))
	}
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(raw, &t); err != nil {
		return t, badInput(fmt.Errorf("--trust %s: it is not what \"commonwatt trust\" prints: %w", text, err))
	}
	if err := t.Check(); err != nil {
		return t, badInput(fmt.Errorf("--trust %s: it was changed: %w", text, err))
	}
	return t, nil
}

// printJSON prints a value as JSON that people can read.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
