package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// usedTypes is the types of ours that structures use, by name.
type usedTypes map[string]reflect.Type

func (u usedTypes) names() []string { return slices.Sorted(maps.Keys(u)) }

// see remembers the named types in t, and those in their fields.
func (u usedTypes) see(t reflect.Type) {
	named := t.Name() != "" && t.PkgPath() != ""
	switch {
	case named && u[t.String()] != nil:
		return
	case named:
		u[t.String()] = t
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Pointer:
		u.see(t.Elem())
	case reflect.Map:
		u.see(t.Key())
		u.see(t.Elem())
	case reflect.Struct:
		u.seeFields(t)
	default:
	}
}

// seeFields remembers the named types in the fields of a structure.
func (u usedTypes) seeFields(t reflect.Type) {
	for f := range t.Fields() {
		if f.IsExported() {
			u.see(f.Type)
		}
	}
}

// fields writes the table of a structure's fields.
func fields(b *strings.Builder, t reflect.Type, comments *comments) {
	title := "\n| Key | Field | Type | Meaning |\n|---:|---|---|---|\n"
	for f := range t.Fields() {
		if !f.IsExported() {
			continue
		}
		key, options, _ := strings.Cut(f.Tag.Get("cbor"), ",")
		meaning := comments.ofField(t, f.Name)
		if strings.Contains(options, "omitempty") {
			meaning = strings.TrimSpace("Optional. " + meaning)
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		fmt.Fprintf(b, "%s| %s | %s | `%s` | %s |\n", title, key, name, f.Type, meaning)
		title = ""
	}
}

// under names the type that a named type is made of.
func under(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice:
		return "[]" + t.Elem().String()
	case reflect.Array:
		return fmt.Sprintf("[%d]%s", t.Len(), t.Elem())
	case reflect.Map:
		return fmt.Sprintf("map[%s]%s", t.Key(), t.Elem())
	default:
		return t.Kind().String()
	}
}
