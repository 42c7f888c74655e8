package tidy

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// rewrite is for changes of a rule or a snippet; read the difference before
// committing it.
var rewrite = flag.Bool("rewrite", false, "write what the rules complain about into testdata")

// The rules, by the name in their complaints.
var (
	rules      = []func(*source) []complaint{imports, size, names, promise, operations, comments}
	typedRules = []func(typed) []complaint{purity, rows}
	ruleNames  = []string{"imports", "size", "names", "promise", "operations", "comments", "purity", "rows", "types"}
)

// inspect applies every rule to a tree.
func inspect(t *testing.T, tree fs.FS) (found []complaint) {
	t.Helper()
	sources, err := load(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		for _, rule := range rules {
			found = append(found, rule(s)...)
		}
	}
	checked, broken, err := typeCheck(sources)
	if err != nil {
		t.Fatal(err)
	}
	found = append(found, broken...)
	for _, c := range checked {
		for _, rule := range typedRules {
			found = append(found, rule(c)...)
		}
	}
	return found
}

// TestHouse holds the tree to the rules.
func TestHouse(t *testing.T) {
	for _, c := range inspect(t, os.DirFS("..")) {
		t.Error(c)
	}
}

// TestRules holds the rules to snippets that break them: each archive is a
// small tree, its comment says what is wrong, and its last file lists the
// complaints.
func TestRules(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no snippets", err)
	}
	var seen strings.Builder
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			last := len(archive.Files) - 1
			if archive.Files[last].Name != "complaints" {
				t.Fatal("the last file is not the list of complaints")
			}
			tree := fstest.MapFS{}
			for _, f := range archive.Files[:last] {
				tree[f.Name] = &fstest.MapFile{Data: f.Data}
			}
			var got strings.Builder
			for _, c := range inspect(t, tree) {
				got.WriteString(c.String() + "\n")
			}
			seen.WriteString(got.String())
			if *rewrite {
				archive.Files[last].Data = []byte(got.String())
				if err := os.WriteFile(name, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(archive.Files[last].Data); got.String() != want {
				t.Errorf("complaints:\n%s\nwant:\n%s", got.String(), want)
			}
		})
	}
	for _, rule := range ruleNames {
		if !strings.Contains(seen.String(), "("+rule+")\n") {
			t.Errorf("no snippet breaks the rule %q", rule)
		}
	}
}

// TestRooms checks the table itself: no package stands in two rooms.
func TestRooms(t *testing.T) {
	var all []string
	for _, r := range rooms {
		all = append(all, strings.Fields(r.packages)...)
	}
	slices.Sort(all)
	if unique := slices.Compact(slices.Clone(all)); len(unique) != len(all) {
		t.Errorf("a package stands in two rooms: %v", all)
	}
	for pkg := range theirs {
		if !slices.Contains(all, pkg) {
			t.Errorf("package %s has libraries and no room", pkg)
		}
	}
}
