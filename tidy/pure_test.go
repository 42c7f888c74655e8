package tidy

import (
	"bufio"
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
)

// typed is a pure package with its types.
type typed struct {
	*source
	syntax []*ast.File // Without tests.
	info   *types.Info
}

// typeCheck works out the types of the pure packages among the sources, and
// complains about those that do not compile. It asks the go command for the
// export data of what they import.
func typeCheck(sources []*source) (checked []typed, found []complaint, err error) {
	var list []*source
	var deps []string
	for _, s := range sources {
		if pure(s.path) {
			list = append(list, s)
			for _, f := range s.files {
				for _, dep := range f.imports {
					if !f.test {
						deps = append(deps, dep)
					}
				}
			}
		}
	}
	exports, err := exportData(deps)
	if err != nil {
		return nil, nil, err
	}
	for _, s := range list {
		t := typed{source: s, info: &types.Info{
			Types:     map[ast.Expr]types.TypeAndValue{},
			Uses:      map[*ast.Ident]types.Object{},
			Instances: map[*ast.Ident]types.Instance{},
		}}
		for _, f := range s.files {
			if !f.test {
				t.syntax = append(t.syntax, f.syntax)
			}
		}
		conf := types.Config{Importer: importer.ForCompiler(s.fset, "gc", exports)}
		if _, err := conf.Check(module+s.path, s.fset, t.syntax, t.info); err != nil {
			found = append(found, s.complain("types", s.files[0].syntax.Package, err.Error()))
			continue
		}
		checked = append(checked, t)
	}
	return checked, found, nil
}

// exportData returns a lookup of compiled packages by import path.
func exportData(deps []string) (func(string) (io.ReadCloser, error), error) {
	args := []string{"list", "-e", "-deps", "-export", "-f", "{{.ImportPath}} {{.Export}}", "--"}
	cmd := exec.Command("go", append(args, deps...)...)
	cmd.Dir = ".."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list -export: %w", err)
	}
	files := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		dep, name, _ := strings.Cut(lines.Text(), " ")
		files[dep] = name
	}
	return func(dep string) (io.ReadCloser, error) { return os.Open(files[dep]) }, nil
}

// purity forbids what could make two nodes compute different results.
func purity(t typed) (found []complaint) {
	lines := map[token.Position]bool{} // One complaint a line is enough.
	complain := func(n ast.Node, text string) {
		at := t.fset.Position(n.Pos())
		at.Column, at.Offset = 0, 0
		if !lines[at] {
			lines[at] = true
			found = append(found, t.complain("purity", n.Pos(), text+" in a pure package"))
		}
	}
	sorted := map[ast.Node]bool{} // Calls whose order a sort makes certain.
	for _, f := range t.syntax {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				complain(n, "go statement")
			case *ast.SelectStmt:
				complain(n, "select statement")
			case *ast.ChanType:
				complain(n, "channel")
			case *ast.RangeStmt:
				if _, ok := t.info.Types[n.X].Type.Underlying().(*types.Map); ok {
					complain(n, "range over a map")
				}
			case *ast.CallExpr:
				switch name := t.function(n.Fun); {
				case name == "slices.Sorted":
					sorted[n.Args[0]] = true
				case strings.HasPrefix(name, "maps.") && !sorted[n] && name != "maps.Clone" && name != "maps.Copy":
					complain(n, name+" in no order")
				case strings.HasPrefix(name, "fmt.Print"), strings.HasPrefix(name, "fmt.Scan"), name == "println", name == "print":
					complain(n, name)
				}
			}
			if e, ok := n.(ast.Expr); ok && float(t.info.Types[e].Type) {
				complain(n, "float")
			}
			return true
		})
	}
	return found
}

// function names what a call calls, as "package.Name", if it is a function of
// a package or a builtin.
func (t typed) function(fun ast.Expr) string {
	switch fun := fun.(type) {
	case *ast.Ident:
		if b, ok := t.info.Uses[fun].(*types.Builtin); ok {
			return b.Name()
		}
	case *ast.SelectorExpr:
		if f, ok := t.info.Uses[fun.Sel].(*types.Func); ok && f.Pkg() != nil && f.Signature().Recv() == nil {
			return f.Pkg().Path() + "." + f.Name()
		}
	}
	return ""
}

// float reports whether t is a float or a complex number, or returns one.
func float(t types.Type) bool {
	if t == nil {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		return u.Info()&(types.IsFloat|types.IsComplex) != 0
	case *types.Tuple:
		for v := range u.Variables() {
			if float(v.Type()) {
				return true
			}
		}
	}
	return false
}
