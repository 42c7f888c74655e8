package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"reflect"
	"strings"
)

// encoded is the functions whose type argument is written to the ledger, with
// the place of that argument.
var encoded = map[string]int{
	module + "state.NewTable":   1,
	module + "state.NewHistory": 1,
	module + "op.Define":        0,
	module + "op.DefineReceipt": 0,
}

// rows holds what is written to the ledger to fixed sizes and integer keys: the
// bytes of a row are the same on every machine.
func rows(t typed) (found []complaint) {
	look := func(pos token.Pos, row types.Type) {
		for _, text := range unfit(row, map[*types.Named]bool{}) {
			found = append(found, t.complain("rows", pos, text))
		}
	}
	for _, f := range t.syntax {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StructType:
				if s, ok := t.info.Types[n].Type.(*types.Struct); ok && tagged(s) {
					look(n.Pos(), s)
				}
			case *ast.Ident:
				fn, ok := t.info.Uses[n].(*types.Func)
				if !ok || fn.Pkg() == nil {
					break
				}
				args := t.info.Instances[n].TypeArgs
				if i, is := encoded[fn.Pkg().Path()+"."+fn.Name()]; is && args != nil {
					look(n.Pos(), args.At(i))
				}
			}
			return true
		})
	}
	return found
}

// tagged reports whether a struct says how it is encoded.
func tagged(s *types.Struct) bool {
	for i := range s.NumFields() {
		if reflect.StructTag(s.Tag(i)).Get("cbor") != "" {
			return true
		}
	}
	return false
}

// unfit says what of a type must not be written to the ledger. A type with a
// name is looked at once, so that types may hold themselves.
func unfit(t types.Type, seen map[*types.Named]bool) []string {
	if named, ok := t.(*types.Named); ok {
		if seen[named] {
			return nil
		}
		seen[named] = true
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch u.Kind() { //nolint:exhaustive // every other kind has a fixed size
		case types.Int, types.Uint, types.Uintptr, types.Float32, types.Float64, types.Complex64, types.Complex128:
			return []string{"a stored row holds " + u.Name()}
		}
	case *types.Pointer:
		return unfit(u.Elem(), seen)
	case *types.Slice:
		return unfit(u.Elem(), seen)
	case *types.Array:
		return unfit(u.Elem(), seen)
	case *types.Map:
		return append(unfit(u.Key(), seen), unfit(u.Elem(), seen)...)
	case *types.Struct:
		return unfitFields(u, seen)
	case *types.Signature, *types.Chan:
		return []string{fmt.Sprintf("a stored row holds %s, which has no bytes", t)}
	}
	return nil
}

func unfitFields(s *types.Struct, seen map[*types.Named]bool) (texts []string) {
	array := s.NumFields() > 0 && reflect.StructTag(s.Tag(0)).Get("cbor") == ",toarray"
	for i := range s.NumFields() {
		field, tag := s.Field(i), reflect.StructTag(s.Tag(i)).Get("cbor")
		switch {
		case !field.Exported() || tag == "-":
			continue
		case !array && !strings.Contains(tag, ",keyasint"):
			texts = append(texts, fmt.Sprintf("field %s of a stored row has no integer key", field.Name()))
		}
		for _, text := range unfit(field.Type(), seen) {
			texts = append(texts, fmt.Sprintf("field %s: %s", field.Name(), text))
		}
	}
	return texts
}
