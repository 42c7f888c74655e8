package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTable checks that every mutant still fits the code, so that a change of
// the code and of its mutants go together.
func TestTable(t *testing.T) {
	mutants, err := read("mutants.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range mutants {
		if names[m.name] {
			t.Errorf("%s: two mutants have this name", m.name)
		}
		names[m.name] = true
		if _, err := m.apply("../.."); err != nil {
			t.Errorf("%s: %s: %v", m.name, m.file, err)
		}
		for _, test := range m.named {
			if !slices.ContainsFunc(m.tests, func(dir string) bool { return has(t, filepath.Join("../..", dir), test) }) {
				t.Errorf("%s: there is no %s in %v", m.name, test, m.tests)
			}
		}
	}
}

// has reports whether a package has a test.
func has(t *testing.T, dir, test string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(text), "\nfunc "+test+"(t *testing.T) {")
	})
}

func TestRead(t *testing.T) {
	for _, c := range []struct{ what, text, err string }{
		{"a line before any mutant", "-old\n", "1: not a line"},
		{"a mutant without a reason", "bug name\n", "1: not a line"},
		{"a line of no kind", "bug a: b\nwhere x.go\n", "2: not a line"},
		{"no file", "bug a: b\n-old\n+new\n", "not complete"},
		{"no change", "bug a: b\nin x.go, caught by ./x\n-old\n+old\n", "not complete"},
	} {
		name := filepath.Join(t.TempDir(), "mutants.txt")
		if err := os.WriteFile(name, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := read(name); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.what, err, c.err)
		}
	}
}

func TestApply(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "x.go"), []byte("a\n\tb\nc\n\tb()\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := mutant{file: "x.go", old: "\tb\nc\n", new: "d\n"}.apply(root)
	if err != nil || string(got) != "a\nd\n\tb()\n" {
		t.Errorf("apply: %q, %v", got, err)
	}
	for _, absent := range []string{"b\n", "e\n", "\tb"} {
		if _, err := (mutant{file: "x.go", old: absent}).apply(root); !errors.Is(err, errNotOnce) {
			t.Errorf("apply %q: error %v, want %v", absent, err, errNotOnce)
		}
	}
}
