package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
)

// Bounds of what a reader takes in at once. Functions named Test, Benchmark or
// Fuzz may be longer: they hold their tables.
const (
	fileLinesMax     = 500
	functionLinesMax = 70
)

// size bounds files and functions.
func size(s *source) (found []complaint) {
	for _, f := range s.files {
		if ast.IsGenerated(f.syntax) {
			continue
		}
		if f.lines > fileLinesMax {
			found = append(found, s.complain("size", f.syntax.Package,
				fmt.Sprintf("the file has %d lines, more than %d", f.lines, fileLinesMax)))
		}
		for _, d := range f.syntax.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || f.test && table.MatchString(fn.Name.Name) {
				continue
			}
			if n := s.fset.Position(fn.End()).Line - s.fset.Position(fn.Pos()).Line + 1; n > functionLinesMax {
				found = append(found, s.complain("size", fn.Pos(),
					fmt.Sprintf("%s has %d lines, more than %d", fn.Name.Name, n, functionLinesMax)))
			}
		}
	}
	return found
}

var table = regexp.MustCompile(`^(Test|Benchmark|Fuzz)`)

// names refuses packages that are named for being handy, not for their subject.
func names(s *source) (found []complaint) {
	words := append(strings.Split(s.path, "/"), s.files[0].syntax.Name.Name)
	for _, word := range words {
		if listed("util utils common types helpers helper misc base shared internal pkg", word) {
			return []complaint{s.complain("names", s.files[0].syntax.Package, "a package is a noun of the field, not "+word)}
		}
	}
	return nil
}

// promise asks each package for one comment that says what it is for and what
// it promises. A command promises in its help.
func promise(s *source) []complaint {
	var docs []string
	for _, f := range s.files {
		if f.syntax.Doc != nil {
			docs = append(docs, f.syntax.Doc.Text())
		}
	}
	first := s.files[0].syntax
	switch {
	case len(docs) == 0:
		return []complaint{s.complain("promise", first.Package, "the package has no comment")}
	case len(docs) > 1:
		return []complaint{s.complain("promise", first.Package, "the package has more than one comment")}
	case first.Name.Name != "main" && !strings.Contains(docs[0], "\nIts promise: "):
		return []complaint{s.complain("promise", first.Package, "the package comment does not say its promise")}
	}
	return nil
}

// operations asks for one operation a file.
func operations(s *source) (found []complaint) {
	for _, f := range s.files {
		if f.test {
			continue
		}
		defined := 0
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !defines(call.Fun) {
				return true
			}
			if defined++; defined == 2 {
				found = append(found, s.complain("operations", call.Pos(), "the file defines a second operation"))
			}
			return true
		})
	}
	return found
}

// defines reports whether a called expression is op.Define.
func defines(fun ast.Expr) bool {
	if index, ok := fun.(*ast.IndexExpr); ok {
		fun = index.X
	}
	sel, ok := fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Define" {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == "op"
}

var (
	later   = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)
	codeish = regexp.MustCompile(`:=|^return\b|^(if|for|switch)\b.*\{$|^\w+\.\w+\(.*\)$|^}$`)
)

// comments refuses work left for later and code kept in comments.
func comments(s *source) (found []complaint) {
	for _, f := range s.files {
		for _, group := range f.syntax.Comments {
			for _, c := range group.List {
				switch line := strings.TrimPrefix(c.Text, "// "); {
				case later.MatchString(c.Text):
					found = append(found, s.complain("comments", c.Pos(), "work left for later: do it, or record a decision"))
				case isCode(line):
					found = append(found, s.complain("comments", c.Pos(), "code in a comment"))
				}
			}
		}
	}
	return found
}

// isCode reports whether a line of a comment is Go. Indented lines are examples.
func isCode(line string) bool {
	if !codeish.MatchString(line) || strings.HasPrefix(line, "//") || line[0] == ' ' {
		return false
	}
	body := line
	if strings.HasSuffix(line, "{") {
		body += "}"
	}
	_, err := parser.ParseFile(token.NewFileSet(), "", "package p; func f() {\n"+body+"\n}", 0)
	return err == nil || line == "}"
}
