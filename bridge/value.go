package bridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Bounds of what is published in a home.
const (
	payloadMax = 64 << 10
	numberMax  = 40 // Characters.
	exponent   = 30
)

// number reads a decimal number as it is written, without rounding: ≥ 0, and with an
// exponent if it has one (RFC 8259 §6).
func number(text string) (*big.Rat, error) {
	_, e, scientific := strings.Cut(strings.ToLower(text), "e")
	n, bad := strconv.Atoi(e)
	r, ok := new(big.Rat), len(text) <= numberMax && !strings.ContainsAny(text, "/_xXpP") && (!scientific || bad == nil && n >= -exponent && n <= exponent)
	if ok {
		_, ok = r.SetString(text)
	}
	switch {
	case !ok:
		return nil, fmt.Errorf("%.40q is no number", text)
	case r.Sign() < 0:
		return nil, fmt.Errorf("%.40q is below zero, and a register counts up from it", text)
	}
	return r, nil
}

// energyMax is 10^12 Wh, in millionths.
var energyMax = new(big.Rat).SetInt64(1e18)

// value is what a payload says of a register: at a path within JSON, or all of it where
// the path is empty. Each part of a path is the name of a field, or the number of an
// element from 0 on.
//
// Errors: errNothing; a value that is no energy.
func (r *Register) value(payload []byte) (micro, error) {
	if len(payload) > payloadMax {
		return 0, fmt.Errorf("the message has %d bytes, and a register none of more than %d", len(payload), payloadMax)
	}
	text, err := r.text(payload)
	if err != nil {
		return 0, err
	}
	n, err := number(text)
	if err != nil {
		return 0, err
	}
	n.Mul(n, r.wh).Mul(n, new(big.Rat).SetInt64(perWh))
	if n.Cmp(energyMax) >= 0 {
		return 0, fmt.Errorf("%.40q is 10^12 Wh or more: is the unit right?", text)
	}
	return micro(new(big.Int).Quo(n.Num(), n.Denom()).Int64()), nil // Rounded down, a millionth of a Wh at most.
}

// text finds the number in a payload.
func (r *Register) text(payload []byte) (string, error) {
	if r.Path == "" {
		return string(bytes.TrimSpace(payload)), nil
	}
	d := json.NewDecoder(bytes.NewReader(payload))
	d.UseNumber()
	var at any
	if err := d.Decode(&at); err != nil {
		return "", errors.New("the message is not JSON: leave path out where it is the number itself")
	}
	for part := range strings.SplitSeq(r.Path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[part]
		case []any:
			n, err := strconv.Atoi(part)
			if err != nil || n < 0 || n >= len(v) {
				return "", errNothing
			}
			at = v[n]
		default:
			return "", errNothing
		}
	}
	switch v := at.(type) {
	case json.Number:
		return v.String(), nil
	case string:
		return v, nil
	case nil:
		return "", errNothing
	}
	return "", fmt.Errorf("what is at %s is no number", r.Path)
}
