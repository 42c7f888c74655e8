package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/commonwatt/commonwatt/auction"
)

// jsonWalk reads a JSON text once, front to back, and names the field of
// whatever it refuses. encoding/json would let other spellings of a field,
// duplicate keys and missing fields pass, and loses the path of the rest.
//
// The text is checked to be JSON before the walk starts, so the walk itself
// judges only what the values are.
type jsonWalk struct {
	text []byte
	at   int
}

// jsonField is one field that an object may have.
type jsonField struct {
	name     string
	required bool                       // Otherwise it may be left out, or null.
	read     func() *auction.FieldError // Takes the value, or refuses it.
}

// newJSONWalk starts a walk of text, or refuses what is not JSON in UTF-8, with
// line and column for a path.
func newJSONWalk(text []byte) (*jsonWalk, *auction.FieldError) {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, refuse("line 1", "the file is empty", "")
	}
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return nil, refuse(position(text, at), "is not UTF-8", "")
		}
		at += size
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		at := len(text)
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = int(syntax.Offset) - 1
		}
		return nil, refuse(position(text, at), "is not JSON", err.Error())
	}
	return &jsonWalk{text: text}, nil
}

func refuse(path, problem, hint string) *auction.FieldError {
	return &auction.FieldError{Path: path, Problem: problem, Hint: hint}
}

// position is where a byte stands, for people.
func position(text []byte, at int) string {
	before := text[:max(0, min(at, len(text)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("line %d, column %d", line, column)
}

// inside puts a field or index before the path of a refusal in it.
func inside(outer string, refusal *auction.FieldError) *auction.FieldError {
	switch {
	case refusal == nil:
		return nil
	case refusal.Path == "":
		refusal.Path = outer
	case refusal.Path[0] == '[':
		refusal.Path = outer + refusal.Path
	default:
		refusal.Path = outer + "." + refusal.Path
	}
	return refusal
}

// next is the first byte of the value or bracket that comes next.
func (w *jsonWalk) next() byte {
	for strings.IndexByte(" \t\r\n,:", w.text[w.at]) >= 0 {
		w.at++
	}
	return w.text[w.at]
}

// kind names the value that comes next.
func (w *jsonWalk) kind() string {
	switch w.next() {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}

// expect refuses the next value when it is not of the kind wanted.
func (w *jsonWalk) expect(kind string) *auction.FieldError {
	if got := w.kind(); got != kind {
		return refuse("", "is "+got, kind+" is expected")
	}
	return nil
}

// object reads an object with the given fields and no others.
func (w *jsonWalk) object(fields []jsonField) *auction.FieldError {
	if refusal := w.expect("an object"); refusal != nil {
		return refusal
	}
	w.at++
	var seen uint64
	for w.next() != '}' {
		name := w.string()
		i := slices.IndexFunc(fields, func(f jsonField) bool { return f.name == name })
		if i < 0 {
			return refuse(fieldPath(name), "there is no such field", "fields are "+fieldNames(fields))
		}
		if seen&(1<<i) != 0 {
			return refuse(name, "is given twice", "")
		}
		seen |= 1 << i
		if !fields[i].required && w.next() == 'n' {
			w.at += len("null")
			continue
		}
		if refusal := fields[i].read(); refusal != nil {
			return inside(name, refusal)
		}
	}
	w.at++
	for i, f := range fields {
		if f.required && seen&(1<<i) == 0 {
			return refuse(f.name, "is missing", "")
		}
	}
	return nil
}

// fieldPath is an unknown field as a path shows it.
func fieldPath(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` || strings.ContainsAny(name, " .[]") || name == "" {
		return quoted
	}
	return name
}

func fieldNames(fields []jsonField) string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}

// array reads an array, item by item.
func (w *jsonWalk) array(item func(i int) *auction.FieldError) *auction.FieldError {
	if refusal := w.expect("an array"); refusal != nil {
		return refusal
	}
	w.at++
	for i := 0; w.next() != ']'; i++ {
		if refusal := item(i); refusal != nil {
			return inside(fmt.Sprintf("[%d]", i), refusal)
		}
	}
	w.at++
	return nil
}

// string takes a string, which must come next.
func (w *jsonWalk) string() string {
	w.next()
	start, escaped := w.at, false
	for w.at++; w.text[w.at] != '"'; w.at++ {
		if w.text[w.at] == '\\' {
			escaped = true
			w.at++
		}
	}
	w.at++
	if !escaped {
		return string(w.text[start+1 : w.at-1])
	}
	var s string
	if err := json.Unmarshal(w.text[start:w.at], &s); err != nil {
		panic(err) // The whole text is JSON, so this string is.
	}
	return s
}

// textInto reads a string into v.
func (w *jsonWalk) textInto(v *string) func() *auction.FieldError {
	return func() *auction.FieldError {
		if refusal := w.expect("a string"); refusal != nil {
			return refusal
		}
		*v = w.string()
		return nil
	}
}

// choiceInto reads a string that is one of the names, as its index.
func choiceInto[T ~uint8](w *jsonWalk, v *T, names []string) func() *auction.FieldError {
	return func() *auction.FieldError {
		if refusal := w.expect("a string"); refusal != nil {
			return refusal
		}
		name := w.string()
		i := slices.Index(names, name)
		if i < 0 {
			return refuse("", fmt.Sprintf("there is no %q", name), "choices are "+strings.Join(names, ", "))
		}
		*v = T(i)
		return nil
	}
}

// integerInto reads a whole number into v. Floats are refused even where their
// value is whole, because a reader elsewhere could round them.
func integerInto[T ~int64](w *jsonWalk, v *T) func() *auction.FieldError {
	return func() *auction.FieldError {
		if refusal := w.expect("a number"); refusal != nil {
			return refusal
		}
		start := w.at
		for w.at < len(w.text) && strings.IndexByte("+-.0123456789eE", w.text[w.at]) >= 0 {
			w.at++
		}
		number := string(w.text[start:w.at])
		if strings.ContainsAny(number, ".eE") {
			return refuse("", number+" is not an integer", "write it without point and exponent")
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return refuse("", number+" is too large", "it does not fit into 64 bits")
		}
		*v = T(n)
		return nil
	}
}

// flagInto reads true or false into v.
func (w *jsonWalk) flagInto(v *bool) func() *auction.FieldError {
	return func() *auction.FieldError {
		if refusal := w.expect("true or false"); refusal != nil {
			return refusal
		}
		*v = w.text[w.at] == 't'
		w.at += len("true")
		if !*v {
			w.at++ // "false" is a letter longer.
		}
		return nil
	}
}
