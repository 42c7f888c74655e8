package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/gateway"
)

// printContent prints what meter files hold and whether it is booked: readings
// counts intervals of the community's length. As CSV, notes go to standard error.
func printContent(cmd *cobra.Command, output string, content gateway.Content, readings int, booked bool) error {
	w, told := cmd.OutOrStdout(), content.Told(readings, booked)
	switch output {
	case "json":
		return json.NewEncoder(w).Encode(told)
	case "csv":
		tellNotes(cmd.ErrOrStderr(), content.Notes)
		rows := [][]string{{"file", "format", "meter", "named", "offset", "start", "end", "readings", "import_wh", "export_wh"}}
		for _, p := range told.Files {
			rows = append(rows, []string{
				p.File, string(p.Format), p.Meter, p.Named, p.Offset, p.Start, p.End,
				strconv.Itoa(p.Readings), strconv.FormatInt(int64(p.Import), 10), strconv.FormatInt(int64(p.Export), 10),
			})
		}
		return csv.NewWriter(w).WriteAll(rows)
	}
	return printContentTable(w, told)
}

// printContentTable prints what meter files hold for people.
func printContentTable(w io.Writer, told gateway.Told) error {
	named := slices.ContainsFunc(told.Files, func(p gateway.ToldPart) bool { return p.Named != p.Meter })
	head := []string{"file", "format", "meter", "from", "until", "readings", "import kWh", "export kWh", "times in the file"}
	if named {
		head = slices.Insert(head, 3, "named")
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, p := range told.Files {
		row := []string{filepath.Base(p.File), string(p.Format), p.Meter, p.Start, p.End, strconv.Itoa(p.Readings), gateway.KWh(p.Import), gateway.KWh(p.Export), p.Offset}
		if named {
			row = slices.Insert(row, 3, p.Named)
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w, "\n"+strings.Join(told.Says, "\n"))
	return err
}

// tellNotes says what of meter files was left out or assumed.
func tellNotes(w io.Writer, notes []gateway.Note) {
	for _, n := range notes {
		fmt.Fprintln(w, n)
	}
}
