package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// document walks over the JSON of a file, and knows its lines.
type document struct {
	name    string
	raw     []byte
	in      *json.Decoder
	counted int // Bytes of which lines are counted.
	lines   int
}

func newDocument(name string, raw []byte) *document {
	return &document{name: name, raw: raw, in: json.NewDecoder(bytes.NewReader(raw))}
}

// line is that of the next value.
func (d *document) line() int {
	next := int(d.in.InputOffset())
	for next < len(d.raw) && bytes.IndexByte([]byte(" \t\r\n,:"), d.raw[next]) >= 0 {
		next++
	}
	d.lines += bytes.Count(d.raw[d.counted:next], []byte("\n"))
	d.counted = next
	return d.lines + 1
}

// lists calls f for each element of the lists that an object of a file has under keys;
// what else it has is passed over. A file that is a list alone is that of the first key.
//
// Errors: *Refused for what is no such JSON, or has a list twice or more elements than
// runsMax; those of f.
func (d *document) lists(f func(key string, line int, element json.RawMessage) error, keys ...string) error {
	open, err := d.in.Token()
	if err != nil {
		return d.broken(err)
	}
	switch open {
	case json.Delim('['):
		if err := d.elements(keys[0], f); err != nil {
			return err
		}
	case json.Delim('{'):
		if err := d.members(f, keys); err != nil {
			return err
		}
	default:
		return d.refuse(fmt.Sprintf("is no JSON object with %s", keys[0]))
	}
	if _, err := d.in.Token(); !errors.Is(err, io.EOF) {
		return d.refuse("goes on after its JSON value")
	}
	return nil
}

// members walks over an object that is open.
func (d *document) members(f func(string, int, json.RawMessage) error, keys []string) error {
	seen := map[string]bool{}
	for d.in.More() {
		key, err := d.in.Token()
		if err != nil {
			return d.broken(err)
		}
		word, _ := key.(string)
		wanted := false
		for _, k := range keys {
			wanted = wanted || k == word
		}
		if !wanted {
			var passed json.RawMessage
			if err := d.in.Decode(&passed); err != nil {
				return d.broken(err)
			}
			continue
		}
		if seen[word] {
			return d.refuse(fmt.Sprintf("has %s twice", word))
		}
		seen[word] = true
		if open, err := d.in.Token(); err != nil || open != json.Delim('[') {
			return d.refuse(fmt.Sprintf("has no list under %s", word))
		}
		if err := d.elements(word, f); err != nil {
			return err
		}
	}
	if !seen[keys[0]] {
		return d.refuse(fmt.Sprintf("has no %s", keys[0]))
	}
	_, err := d.in.Token()
	if err != nil {
		return d.broken(err)
	}
	return nil
}

// elements walks over a list that is open, and its end.
func (d *document) elements(key string, f func(string, int, json.RawMessage) error) error {
	for count := 0; d.in.More(); count++ {
		if count == runsMax {
			return d.refuse(fmt.Sprintf("has more than the %d elements of %s that are read at once", runsMax, key))
		}
		line := d.line()
		var element json.RawMessage
		if err := d.in.Decode(&element); err != nil {
			return d.broken(err)
		}
		if err := f(key, line, element); err != nil {
			return err
		}
	}
	if _, err := d.in.Token(); err != nil {
		return d.broken(err)
	}
	return nil
}

func (d *document) refuse(reason string) error {
	return &Refused{File: d.name, Line: d.line(), Reason: reason, Next: "Ask where it came from for another"}
}

// broken refuses what is no JSON.
func (d *document) broken(err error) error {
	return d.refuse("is no JSON (" + err.Error() + ")")
}

// decode reads an element into a struct.
func decode(name string, line int, element json.RawMessage, into any) error {
	err := json.Unmarshal(element, into)
	if wrong, is := errors.AsType[*json.UnmarshalTypeError](err); is {
		return &Refused{name, line, wrong.Field, "", "is a " + wrong.Value + ", where " + wrong.Type.String() + " is expected", "Correct it"}
	}
	if err != nil {
		return &Refused{File: name, Line: line, Reason: "is no element of such a list (" + err.Error() + ")", Next: "Correct it"}
	}
	return nil
}

// indented writes a value as JSON that people can read, too.
func indented(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
