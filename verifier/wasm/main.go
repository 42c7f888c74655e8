//go:build js && wasm

// Command wasm is package proof in a browser: it puts commonwattVerify on the
// global object. docs/proofs.md says what it takes and returns.
//
// Its promise: it is the same code that "commonwatt verify FILE" runs, asks nobody
// anything, and answers whatever it is given.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"syscall/js"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/proof"
)

func main() {
	js.Global().Set("commonwattVerify", js.FuncOf(func(_ js.Value, args []js.Value) any { return verify(args) }))
	select {}
}

// verify answers a call with a bundle's bytes and a trust.
func verify(args []js.Value) any {
	if len(args) == 0 || !args[0].InstanceOf(js.Global().Get("Uint8Array")) {
		return refused(proof.StepFormat, "the bundle is not a Uint8Array")
	}
	if args[0].Length() > proof.BytesMax {
		return refused(proof.StepFormat, fmt.Sprintf("it has more than %d bytes", proof.BytesMax))
	}
	raw := make([]byte, args[0].Length())
	js.CopyBytesToGo(raw, args[0])
	var trust *proof.Trust
	if len(args) > 1 && args[1].Type() == js.TypeString && args[1].String() != "" {
		t, err := readTrust(args[1].String())
		if err != nil {
			return refused(proof.StepTrust, err.Error())
		}
		trust = &t
	}
	return told(proof.Inspect(raw, trust, interval.Time(time.Now().Unix())))
}

// readTrust reads HEIGHT:HASH or the JSON of a trust.
func readTrust(text string) (t proof.Trust, err error) {
	if t, err := proof.ParseTrust(text); err == nil {
		return t, nil
	}
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return t, fmt.Errorf("what is trusted is neither HEIGHT:HASH nor what \"commonwatt trust\" prints: %w", err)
	}
	return t, t.Check()
}

// refused is the answer to what cannot be looked at.
func refused(step proof.Step, why string) any {
	return map[string]any{
		"ok": false, "trust": "", "chain": "", "height": 0, "says": []any{}, "rows": []any{},
		"steps": []any{map[string]any{"name": string(step), "ok": false, "text": why}},
	}
}

// told puts a report into JavaScript. What a bundle shows is told when all of its
// own steps are good, also to whoever trusts nothing yet: ok is false then.
func told(r proof.Report) any {
	steps := make([]any, len(r.Steps))
	for i, s := range r.Steps {
		steps[i] = map[string]any{"name": string(s.Step), "ok": s.OK, "text": s.Text}
	}
	says, rows := []any{}, []any{}
	for _, s := range r.Verified.Receipts {
		says = append(says, map[string]any{
			"height": s.Height, "kind": s.Fact.Kind, "audience": fmt.Sprint(uint64(s.Fact.Audience)),
			"leaf": s.Fact.Leaf(s.Height).String(), "body": hex.EncodeToString(s.Fact.Body),
		})
	}
	for _, row := range r.Verified.Rows {
		rows = append(rows, map[string]any{"key": hex.EncodeToString(row.Key), "row": hex.EncodeToString(row.Row), "present": row.Present})
	}
	trust := ""
	if r.Bundle != nil {
		trust = r.Trust.String()
	}
	return map[string]any{
		"ok": r.Err == nil, "steps": steps, "says": says, "rows": rows, "trust": trust, "chain": r.Verified.Chain, "height": r.Verified.Height,
	}
}
