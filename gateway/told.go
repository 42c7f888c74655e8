package gateway

import (
	"fmt"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// Told is what is said of meter files, by the command line and by the page the same.
// Readings counts intervals of the community's length.
type Told struct {
	Files    []ToldPart `json:"files"`
	Notes    []ToldNote `json:"notes"`
	Readings int        `json:"readings" doc:"intervals of the community's length"`
	Negative int        `json:"negative,omitempty" doc:"of them, below zero: reported, and estimated"`
	Booked   bool       `json:"booked"`
	Says     []string   `json:"says" doc:"the notes and what became of the readings, in sentences"`
}

// ToldPart is what one file says of one meter. Start and end are RFC 3339 in UTC, or ""
// where there is no interval.
type ToldPart struct {
	File      string          `json:"file"`
	Format    Format          `json:"format"`
	Meter     string          `json:"meter" doc:"as the file names it"`
	Named     string          `json:"named" doc:"as the community does"`
	Offset    string          `json:"offset" doc:"from UTC, in which the file's times were read"`
	Start     string          `json:"start"`
	End       string          `json:"end"`
	Readings  int             `json:"readings"`
	Import    quantity.Energy `json:"import_wh"`
	Export    quantity.Energy `json:"export_wh"`
	Registers *Registers      `json:"registers,omitempty" doc:"that the last telegram of a P1 file shows"`
}

// ToldNote is a note.
type ToldNote struct {
	File  string `json:"file,omitempty"`
	Line  int    `json:"line,omitempty"`
	Meter string `json:"meter,omitempty"`
	Text  string `json:"text"`
	Count int    `json:"count,omitempty"`
	Unit  string `json:"unit,omitempty"`
}

// Told says what files hold, and whether that was booked: readings counts those that
// can be.
func (c Content) Told(readings int, booked bool) Told {
	t := Told{Files: []ToldPart{}, Notes: []ToldNote{}, Readings: readings, Negative: c.Negative, Booked: booked, Says: []string{}}
	for _, p := range c.Parts {
		t.Files = append(t.Files, ToldPart{p.File, p.Format, p.Meter, p.Named, p.Offset, moment(p.Start), moment(p.End), p.Readings, p.Import, p.Export, p.Registers})
		if p.Registers != nil {
			t.say("%s: %s: its last telegram shows registers of %s kWh import and %s kWh export", p.File, p.Named, KWh(p.Registers.Import), KWh(p.Registers.Export))
		}
	}
	for _, n := range c.Notes {
		t.Notes = append(t.Notes, ToldNote(n))
		t.say("%s", n)
	}
	switch {
	case !booked:
		t.say("%d readings; nothing was booked", readings)
	case readings > 0:
		t.say("%d readings are on the ledger", readings)
	}
	if c.Negative > 0 {
		t.say("%d of them below zero: no values, but exceptions, and estimated until real ones come", c.Negative)
	}
	return t
}

func (t *Told) say(format string, args ...any) { t.Says = append(t.Says, fmt.Sprintf(format, args...)) }

// moment writes a time, or "" where there is none.
func moment(t interval.Time) string {
	if t == 0 {
		return ""
	}
	return rfc3339(t)
}

// KWh writes an energy in kWh, to the Wh.
func KWh(e quantity.Energy) string {
	if e < 0 {
		return fmt.Sprintf("-%d.%03d", -(e / 1000), -(e % 1000))
	}
	return fmt.Sprintf("%d.%03d", e/1000, e%1000)
}
