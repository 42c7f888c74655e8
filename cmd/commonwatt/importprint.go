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
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// imported is what import prints as JSON. Readings counts intervals of the
// community's length.
type imported struct {
	Files    []importedPart `json:"files"`
	Notes    []importedNote `json:"notes"`
	Readings int            `json:"readings"`
	Negative int            `json:"negative,omitempty"` // Of them, below zero: reported, and estimated.
	Booked   bool           `json:"booked"`
}

// importedPart is a part of a meter file as JSON and CSV have it. Start and end are
// RFC 3339 in UTC, or "" where there is no interval.
type importedPart struct {
	File      string             `json:"file"`
	Format    gateway.Format     `json:"format"`
	Meter     string             `json:"meter"`
	Named     string             `json:"named"`
	Offset    string             `json:"offset"`
	Start     string             `json:"start"`
	End       string             `json:"end"`
	Readings  int                `json:"readings"`
	Import    quantity.Energy    `json:"import_wh"`
	Export    quantity.Energy    `json:"export_wh"`
	Registers *gateway.Registers `json:"registers,omitempty"`
}

// importedNote is a note as JSON has it.
type importedNote struct {
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	Meter string `json:"meter,omitempty"`
	Text  string `json:"text"`
	Count int    `json:"count,omitempty"`
	Unit  string `json:"unit,omitempty"`
}

// printContent prints what meter files hold and whether it is booked: readings
// counts intervals of the community's length. As CSV, notes go to standard error.
func printContent(cmd *cobra.Command, output string, content gateway.Content, readings int, booked bool) error {
	w := cmd.OutOrStdout()
	parts := make([]importedPart, len(content.Parts))
	for i, p := range content.Parts {
		parts[i] = importedPart{p.File, p.Format, p.Meter, p.Named, p.Offset, moment(p.Start), moment(p.End), p.Readings, p.Import, p.Export, p.Registers}
	}
	switch output {
	case "json":
		notes := []importedNote{}
		for _, n := range content.Notes {
			notes = append(notes, importedNote(n))
		}
		return json.NewEncoder(w).Encode(imported{parts, notes, readings, content.Negative, booked})
	case "csv":
		tellNotes(cmd.ErrOrStderr(), content.Notes)
		rows := [][]string{{"file", "format", "meter", "named", "offset", "start", "end", "readings", "import_wh", "export_wh"}}
		for _, p := range parts {
			rows = append(rows, []string{
				p.File, string(p.Format), p.Meter, p.Named, p.Offset, p.Start, p.End,
				strconv.Itoa(p.Readings), strconv.FormatInt(int64(p.Import), 10), strconv.FormatInt(int64(p.Export), 10),
			})
		}
		return csv.NewWriter(w).WriteAll(rows)
	}
	return printContentTable(w, content, readings, booked)
}

// printContentTable prints what meter files hold for people.
func printContentTable(w io.Writer, content gateway.Content, readings int, booked bool) error {
	named := slices.ContainsFunc(content.Parts, func(p gateway.Part) bool { return p.Named != p.Meter })
	head := []string{"file", "format", "meter", "from", "until", "readings", "import kWh", "export kWh", "times in the file"}
	if named {
		head = slices.Insert(head, 3, "named")
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, p := range content.Parts {
		row := []string{filepath.Base(p.File), string(p.Format), p.Meter, moment(p.Start), moment(p.End), strconv.Itoa(p.Readings), kWh(p.Import), kWh(p.Export), p.Offset}
		if named {
			row = slices.Insert(row, 3, p.Named)
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for _, p := range content.Parts {
		if p.Registers != nil {
			fmt.Fprintf(w, "%s: %s: its last telegram shows registers of %s kWh import and %s kWh export\n", p.File, p.Named, kWh(p.Registers.Import), kWh(p.Registers.Export))
		}
	}
	tellNotes(w, content.Notes)
	switch {
	case !booked:
		fmt.Fprintf(w, "%d readings; nothing was booked\n", readings)
	case readings > 0:
		fmt.Fprintf(w, "%d readings are on the ledger\n", readings)
	}
	if content.Negative > 0 {
		fmt.Fprintf(w, "%d of them below zero: no values, but exceptions, and estimated until real ones come\n", content.Negative)
	}
	return nil
}

// tellNotes says what of meter files was left out or assumed.
func tellNotes(w io.Writer, notes []gateway.Note) {
	for _, n := range notes {
		fmt.Fprintln(w, n)
	}
}

// moment writes a time of a meter file, or "" where there is none.
func moment(t interval.Time) string {
	if t == 0 {
		return ""
	}
	return rfc3339(t)
}

// kWh writes an energy ≥ 0 in kWh, to the Wh.
func kWh(e quantity.Energy) string { return fmt.Sprintf("%d.%03d", e/1000, e%1000) }
