package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/quantity"
)

// verifyFile checks a proof and prints each step and what it says.
func verifyFile(cmd *cobra.Command, path, trustText string, days int64, output string) error {
	if output == "csv" {
		return badInput(errors.New("-o csv: a proof is no table: use table or json"))
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > proof.BytesMax {
		return badInput(fmt.Errorf("%s has %d bytes: no proof has more than %d", path, info.Size(), proof.BytesMax))
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var trust *proof.Trust
	if trustText != "" {
		t, err := readTrust(trustText)
		if err != nil {
			return err
		}
		if days > 0 {
			t.Period = days * 24 * 3600
		}
		trust = &t
	}
	c := checked{proof.Inspect(raw, trust, interval.Time(now().Unix())), trustText}
	if output == "json" {
		return errors.Join(printJSON(cmd.OutOrStdout(), c.json()), c.answer())
	}
	return errors.Join(c.print(cmd.OutOrStdout()), c.answer())
}

// checked is a proof after its check.
type checked struct {
	proof.Report
	given string // What the reader said to trust.
}

// answer is the error with which the command ends.
func (c *checked) answer() error {
	if failed, no := errors.AsType[*proof.Failed](c.Err); no {
		return fmt.Errorf("the proof proves nothing: it fails at the step %q; %s", failed.Step, afterFailed(failed.Step))
	}
	if c.Err != nil {
		return fmt.Errorf("nobody said what to trust, and anybody can make a proof that agrees with itself: compare block %s with what you know of %s, then verify it with --trust %s",
			c.Trust, c.Bundle.Chain, c.Trust)
	}
	return nil
}

// afterFailed says what a reader does about a proof that fails at a step.
func afterFailed(step proof.Step) string {
	switch step {
	case proof.StepFormat:
		return "the file is no proof, or it was cut or changed on the way: get it again"
	case proof.StepChain, proof.StepTrust:
		return "compare what you trust with the ledger that you mean, and get a proof that begins there (commonwatt prove --since)"
	default:
		return "it was changed, or is of no true ledger: get it again, from somebody else"
	}
}

// print writes the check for people.
func (c *checked) print(w io.Writer) error {
	p := &printer{w: w}
	for i, s := range c.Steps {
		word := "ok"
		switch {
		case s.OK:
		case i == len(c.Steps)-1:
			word = "FAILED"
		default:
			word = "?"
		}
		p.line("%-7s %-11s %s", word, s.Step, s.Text)
	}
	if _, no := errors.AsType[*proof.Failed](c.Err); no {
		return p.err
	}
	v := &c.Verified
	p.line("\nsigned by  %d of %d validators, %d of the power of %d", len(v.Signers), v.Validators, v.Power, v.Total)
	for _, s := range v.Signers {
		p.line("           %s  power %d", s.Key, s.Power)
	}
	p.line("header     block %d of %s, %s", v.Height, v.Chain, rfc3339(v.Time))
	if c.Trusted {
		p.line("trusted    block %s, as %s says", c.Trust, c.given)
	}
	for i := range v.Receipts {
		p.receipt(&v.Receipts[i])
	}
	for i := range v.Rows {
		p.row(&v.Rows[i])
	}
	return p.err
}

// json is the check for programs.
func (c *checked) json() any {
	type step struct {
		Name string `json:"name"`
		OK   bool   `json:"ok"`
		Text string `json:"text"`
	}
	steps := []step{}
	for _, s := range c.Steps {
		steps = append(steps, step{string(s.Step), s.OK, s.Text})
	}
	v := &c.Verified
	receipts, rows := []said{}, []rowSaid{}
	for i := range v.Receipts {
		receipts = append(receipts, say(&v.Receipts[i]))
	}
	for i := range v.Rows {
		rows = append(rows, sayRow(&v.Rows[i]))
	}
	return map[string]any{
		"ok": c.Err == nil, "steps": steps, "trust": c.Trust.String(), "chain": v.Chain, "height": v.Height,
		"time": v.Time, "signers": v.Signers, "receipts": receipts, "rows": rows,
	}
}

// printer writes lines. The first error is kept.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

// receipt prints what a receipt says.
func (p *printer) receipt(r *proof.Shown) {
	s := say(r)
	p.line("\nreceipt    %s of block %d, %s\n           %s", s.Name, s.Height, audience(s.Audience), s.Doc)
	p.fields("           ", reflect.ValueOf(s.Fields))
}

// row prints what a row holds.
func (p *printer) row(r *proof.Row) {
	s := sayRow(r)
	switch {
	case !r.Present:
		p.line("\nrow        %s: there is none", s.Key)
	case s.Fields == nil:
		p.line("\nrow        %s\n           %s", s.Key, s.Hex)
	default:
		p.line("\nrow        %s", s.Key)
		p.fields("           ", reflect.ValueOf(s.Fields))
	}
}

// fields prints a value with its units, a field a line, and what is in a list below
// one another.
func (p *printer) fields(indent string, v reflect.Value) {
	if v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		p.line("%s%s", indent, scalar(v))
		return
	}
	for f, value := range v.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		if value.Kind() == reflect.Pointer && !value.IsNil() {
			value = value.Elem()
		}
		switch list := value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Struct; {
		case f.Name == "_" || value.IsZero() && strings.Contains(f.Tag.Get("cbor"), "omitempty"):
		case f.Anonymous:
			p.fields(indent, value)
		case list:
			for i := range value.Len() {
				p.line("%s%s %d", indent, name, i+1)
				p.fields(indent+"  ", value.Index(i))
			}
		case value.Kind() == reflect.Struct:
			p.line("%s%s", indent, name)
			p.fields(indent+"  ", value)
		default:
			p.line("%s%-14s %s", indent, name, scalar(value))
		}
	}
}

// scalar writes a value that is not made of others, with its unit.
func scalar(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case interval.Time:
		return rfc3339(value)
	case quantity.Energy:
		return fmt.Sprintf("%d Wh", value)
	case quantity.Money:
		return fmt.Sprintf("%d units of the currency", value)
	case quantity.Price:
		return fmt.Sprintf("%d units of the currency for a Wh", value)
	case []byte:
		return hex.EncodeToString(value)
	default:
		return fmt.Sprint(value)
	}
}
