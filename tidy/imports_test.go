package tidy

import (
	"fmt"
	"strings"
)

// imports holds a package to the order of the house and to the libraries that
// it may use.
func imports(s *source) (found []complaint) {
	if roomOf(s.path) < 0 {
		return []complaint{s.complain("imports", s.files[0].syntax.Package,
			fmt.Sprintf("package %s has no room: give it one in tidy/rooms_test.go", s.path))}
	}
	for _, f := range s.files {
		for pos, dep := range f.imports {
			if text := refuse(s.path, dep, f.test); text != "" {
				found = append(found, s.complain("imports", pos, text))
			}
		}
	}
	return found
}

// refuse says why a package may not import dep, or nothing.
func refuse(pkg, dep string, test bool) string {
	ours, isOurs := strings.CutPrefix(dep, module)
	standard := !strings.Contains(strings.Split(dep, "/")[0], ".")
	owner, owned := theirsAlone[dep]
	switch {
	case isOurs && test && (ours == pkg || listed(oursInTests, ours)):
		return ""
	case isOurs && (listed(oursInTests, ours) || !mayImport(pkg, ours)):
		return fmt.Sprintf("%s must not import %s", pkg, ours)
	case isOurs:
		return ""
	case owned && pkg != owner:
		return fmt.Sprintf("only %s imports %s", owner, dep)
	case dep == "C" || dep == "unsafe":
		return "no package leaves the language"
	case standard && pure(pkg) && !test && !listed(pureStandard, dep):
		return fmt.Sprintf("%s is pure and must not import %s", pkg, dep)
	case standard:
		return ""
	case under(theirs[pkg], dep), test && under(theirsInTests, dep):
		return ""
	}
	return fmt.Sprintf("%s must not import %s", pkg, dep)
}
