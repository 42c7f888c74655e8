package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

const module = "github.com/commonwatt/commonwatt"

// comments reads what the sources say about types and their fields.
type comments struct {
	root  string
	known map[string]map[string]string // By package, then "Type" or "Type.Field".
	err   error                        // The first source that does not parse.
}

func newComments(root string) *comments {
	return &comments{root: root, known: map[string]map[string]string{}}
}

// of returns what is said about a type, in one line.
func (c *comments) of(t reflect.Type) string { return c.read(t.PkgPath())[t.Name()] }

// ofField returns what is said about a field of a type.
func (c *comments) ofField(t reflect.Type, field string) string {
	return c.read(t.PkgPath())[t.Name()+"."+field]
}

// read reads the comments of a package of ours; of others it knows nothing.
func (c *comments) read(pkg string) map[string]string {
	if known, ok := c.known[pkg]; ok {
		return known
	}
	known := map[string]string{}
	c.known[pkg] = known
	dir, ours := strings.CutPrefix(pkg, module+"/")
	if !ours {
		return known
	}
	names, err := filepath.Glob(filepath.Join(c.root, dir, "*.go"))
	if err != nil {
		c.err = err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil {
			err = collect(known, name, text)
		}
		if err != nil && c.err == nil {
			c.err = err
		}
	}
	return known
}

// collect adds the comments of one file.
func collect(known map[string]string, name string, text []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range group.Specs {
			spec, ok := s.(*ast.TypeSpec)
			if !ok {
				continue
			}
			known[spec.Name.Name] = line(group.Doc) + line(spec.Doc)
			if t, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range t.Fields.List {
					for _, n := range f.Names {
						known[spec.Name.Name+"."+n.Name] = line(f.Doc) + line(f.Comment)
					}
				}
			}
		}
	}
	return nil
}

// line is a comment in one line that fits into a table.
func line(c *ast.CommentGroup) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(c.Text()), " "), "|", "\\|")
}
