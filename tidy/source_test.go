package tidy

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// source is one package of the tree as it is written.
type source struct {
	path  string // Within the module: "auction", "cmd/commonwatt".
	fset  *token.FileSet
	files []file // By name.
}

// file is one Go file of a package.
type file struct {
	name   string // From the root of the module.
	lines  int
	test   bool
	syntax *ast.File
}

// complaint is a place that breaks a rule.
type complaint struct {
	at   token.Position
	rule string
	text string
}

func (c complaint) String() string {
	return fmt.Sprintf("%s:%d: %s (%s)", c.at.Filename, c.at.Line, c.text, c.rule)
}

// complain makes a complaint about a place in s.
func (s *source) complain(rule string, pos token.Pos, text string) complaint {
	return complaint{s.fset.Position(pos), rule, text}
}

// load parses every package of a tree.
func load(tree fs.FS) ([]*source, error) {
	fset := token.NewFileSet()
	byPath := map[string]*source{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		base := path.Base(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		f, err := parse(tree, fset, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		if byPath[dir] == nil {
			byPath[dir] = &source{path: dir, fset: fset}
		}
		byPath[dir].files = append(byPath[dir].files, f)
		return nil
	})
	var all []*source
	for _, s := range byPath {
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *source) int { return cmp.Compare(a.path, b.path) })
	return all, err
}

func parse(tree fs.FS, fset *token.FileSet, name string) (file, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return file{}, err
	}
	syntax, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return file{
		name:   name,
		lines:  bytes.Count(text, []byte("\n")),
		test:   strings.HasSuffix(name, "_test.go"),
		syntax: syntax,
	}, err
}

// imports yields the import paths of a file with their places.
func (f file) imports(yield func(token.Pos, string) bool) {
	for _, spec := range f.syntax.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil || !yield(spec.Pos(), name) {
			return
		}
	}
}
