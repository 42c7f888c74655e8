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

// trustForever is a period longer than any ledger has been there.
const trustForever = 1 << 40

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
	var trust proof.Trust
	if trustText != "" {
		if trust, err = readTrust(trustText); err != nil {
			return err
		}
	}
	if days > 0 {
		trust.Period = days * 24 * 3600
	}
	c := checkBundle(raw, trust, trustText != "", interval.Time(now().Unix()))
	c.path, c.given = path, trustText
	if output == "json" {
		return errors.Join(printJSON(cmd.OutOrStdout(), c.json()), c.err)
	}
	return errors.Join(c.print(cmd.OutOrStdout()), c.err)
}

// checked is a proof after its check.
type checked struct {
	path, given string
	bundle      *proof.Bundle // nil: it is none.
	trust       proof.Trust   // That was used.
	known       bool          // The reader said it.
	passed      []proof.Passed
	failed      *proof.Failed // nil: it did not.
	verified    proof.Verified
	err         error // With which the command ends.
}

// checkBundle verifies the bytes of a bundle, with its own anchor if the reader
// trusts none.
func checkBundle(raw []byte, trust proof.Trust, known bool, now interval.Time) (c checked) {
	c.trust, c.known = trust, known
	var err error
	c.bundle, err = proof.Decode(raw)
	if err == nil {
		if !known {
			c.trust = c.bundle.Anchor()
			c.trust.Period = trustForever
		}
		c.verified, err = c.bundle.Verify(c.trust, now)
		c.passed = c.verified.Passed
	}
	if failed, no := errors.AsType[*proof.Failed](err); no {
		c.failed, c.passed = failed, failed.Passed
		c.err = fmt.Errorf("the proof proves nothing: it fails at the step %q", failed.Step)
		return c
	}
	if !known {
		c.err = fmt.Errorf("nobody said what to trust, and anybody can make a proof that agrees with itself: compare block %s with what you know of %s, then verify it with --trust %s",
			c.trust, c.bundle.Chain, c.trust)
	}
	return c
}

// print writes the check for people.
func (c *checked) print(w io.Writer) error {
	p := &printer{w: w}
	for _, s := range c.passed {
		word := "ok"
		if s.Step == proof.StepTrust && !c.known {
			word, s.Text = "?", "nobody said what to trust; within the proof, "+s.Text
		}
		p.line("%-7s %-11s %s", word, s.Step, s.Text)
	}
	if c.failed != nil {
		p.line("%-7s %-11s %s", "FAILED", c.failed.Step, c.failed.Err)
		return p.err
	}
	v := &c.verified
	p.line("\nsigned by  %d of %d validators, %d of the power of %d", len(v.Signers), len(c.validators()), v.Power, v.Total)
	for _, s := range v.Signers {
		p.line("           %s  power %d", s.Key, s.Power)
	}
	p.line("header     block %d of %s, %s", v.Height, v.Chain, rfc3339(v.Time))
	if c.known {
		p.line("trusted    block %s, as %s says", c.trust, c.given)
	}
	for i := range v.Receipts {
		p.receipt(&v.Receipts[i])
	}
	for i := range v.Rows {
		p.row(&v.Rows[i])
	}
	return p.err
}

// validators are those of the bundle's header.
func (c *checked) validators() []proof.Validator { return c.verified.Trust.Validators }

// json is the check for programs.
func (c *checked) json() any {
	type step struct {
		Name string `json:"name"`
		OK   bool   `json:"ok"`
		Text string `json:"text"`
	}
	steps := []step{}
	for _, s := range c.passed {
		steps = append(steps, step{string(s.Step), s.Step != proof.StepTrust || c.known, s.Text})
	}
	if c.failed != nil {
		steps = append(steps, step{string(c.failed.Step), false, c.failed.Err.Error()})
	}
	receipts, rows := []said{}, []rowSaid{}
	for i := range c.verified.Receipts {
		receipts = append(receipts, say(&c.verified.Receipts[i]))
	}
	for i := range c.verified.Rows {
		rows = append(rows, sayRow(&c.verified.Rows[i]))
	}
	return map[string]any{
		"ok": c.err == nil, "steps": steps, "trust": c.trust.String(), "chain": c.verified.Chain, "height": c.verified.Height,
		"time": c.verified.Time, "signers": c.verified.Signers, "receipts": receipts, "rows": rows,
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
