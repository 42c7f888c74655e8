package verifier

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/quantity"
)

// schemas is what the script needs for putting receipts into words.
type schemas struct {
	Kinds map[uint32]kind    `json:"kinds"`
	Types map[string][]field `json:"types"` // Structures, by name.
}

// kind is a kind of receipt.
type kind struct {
	Name string `json:"name"`
	Doc  string `json:"doc"`
	Type string `json:"type"`
}

// field is a field of a structure: its key in a CBOR map, or its index in an array.
type field struct {
	Key  int    `json:"key"`
	Name string `json:"name"`
	Type string `json:"type"` // A structure's name; "[]" and a type; or a word that the script knows.
}

// schemasOf describes every receipt of the ledger.
func schemasOf(r *op.Registry) schemas {
	s := schemas{map[uint32]kind{}, map[string][]field{}}
	for _, receipt := range r.Receipts {
		s.Kinds[receipt.Kind] = kind{receipt.Name, receipt.Doc, s.typeOf(reflect.TypeOf(receipt.Value))}
	}
	return s
}

// typeOf names a type, and describes it and what it is made of when it is a structure.
func (s *schemas) typeOf(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[interval.Time]():
		return "time"
	case reflect.TypeFor[quantity.Energy]():
		return "energy"
	case reflect.TypeFor[quantity.Money]():
		return "money"
	case reflect.TypeFor[quantity.Price]():
		return "price"
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.typeOf(t.Elem())
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + s.typeOf(t.Elem())
	case reflect.Struct:
		s.describe(t)
		return t.String()
	case reflect.String, reflect.Bool:
		return "plain"
	default:
		return "number"
	}
}

// describe lists the fields of a structure.
func (s *schemas) describe(t reflect.Type) {
	if _, known := s.Types[t.String()]; known {
		return
	}
	s.Types[t.String()] = []field{}
	list, index := []field{}, 0
	for f := range t.Fields() {
		if f.Name == "_" {
			continue
		}
		key, _, _ := strings.Cut(f.Tag.Get("cbor"), ",")
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		at, err := strconv.Atoi(key)
		if err != nil {
			at = index // The structure is an array.
		}
		list, index = append(list, field{at, name, s.typeOf(f.Type)}), index+1
	}
	s.Types[t.String()] = list
}
