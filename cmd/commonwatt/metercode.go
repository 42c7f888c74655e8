package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/skip2/go-qrcode"
	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/live"
)

func meterCodeCommand() *cobra.Command {
	var ask live.CodeRequest
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "code DIR METER",
		Short: "Make a one-time code by which a meter's device enrols its key",
		Long: `Code prints a code, as text and as a QR code, that is good once, for 15 minutes, for the
device of one meter. The device makes a key of its own, brings the code and the public key
to the node, and is told all that it needs. A member makes the same code on the page
"Meters".

A device that has a key gets the next one, whose epoch begins. --replaced says that another
meter takes its place. An earlier code of the meter is good no longer. It asks the node
that runs in DIR.`,
		Example: `  commonwatt meter code elm-street anna
  commonwatt meter code elm-street anna --replaced`,
		Args: usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := runningNode(cmd, args[0])
			if errors.Is(err, live.ErrNotRunning) {
				return badInput(fmt.Errorf("%s: %w, and a code is good for 15 minutes: run \"commonwatt up %s\" first", args[0], err, shellWord(args[0])))
			}
			if err != nil {
				return err
			}
			ask.Meter = args[1]
			code, err := client.Code(cmd.Context(), ask)
			if err != nil {
				return refusedByNode(err)
			}
			if asJSON {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(code)
			}
			return printCode(cmd.OutOrStdout(), code)
		},
		ValidArgsFunction: folders,
	}
	cmd.Flags().BoolVar(&ask.Replaced, "replaced", false, "another meter with registers of its own: its first reading is where they begin")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it for programs, as JSON")
	return cmd
}

// printCode prints a code for people and for cameras.
func printCode(w io.Writer, code api.EnrolCode) error {
	q, err := qrcode.New(code.URL, qrcode.Medium)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "meter    %s\ncode     %s\naddress  %s\nuntil    %s\n\n%s\nOn the device: commonwatt device enrol %s FOLDER\n",
		code.Meter, code.Code, code.URL, time.Unix(int64(code.Until), 0).Format(time.TimeOnly), q.ToSmallString(false), shellWord(code.URL))
	return err
}
