package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checkout is the repository, seen from here.
const checkout = "../.."

// fenced returns the lines of a text that stand between fences, block by block.
func fenced(text string) (blocks [][]string) {
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "```"):
			if inside = !inside; inside {
				blocks = append(blocks, nil)
			}
		case inside:
			blocks[len(blocks)-1] = append(blocks[len(blocks)-1], line)
		}
	}
	return blocks
}

// notRun are commands of the README that a test cannot run, since it is one.
var notRun = []string{"go test ./..."}

// The commands of the README do, in an empty folder beside the examples, what it
// says, and print what it shows.
func TestReadmeCommands(t *testing.T) {
	examples, err := filepath.Abs(filepath.Join(checkout, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	readme := string(read(t, checkout, "README.md"))
	t.Chdir(t.TempDir())
	if err := os.Symlink(examples, "examples"); err != nil {
		t.Fatal(err)
	}
	printed, ran := "", 0
	for _, block := range fenced(readme) {
		for _, line := range block {
			command, ours := strings.CutPrefix(line, "go run ./cmd/commonwatt ")
			switch {
			case ours:
				printed += must(t, strings.Fields(command)...)
				ran++
			case strings.HasPrefix(line, "go ") && !slices.Contains(notRun, line):
				t.Errorf("%q is neither run nor known", line)
			case !strings.HasPrefix(line, "go ") && line != "…" && !strings.Contains(printed, line+"\n"):
				t.Errorf("the README shows %q, and the commands before it print\n%s", line, printed)
			}
		}
	}
	for _, quoted := range regexp.MustCompile("`commonwatt ([a-z]+ riverside-data)`").FindAllStringSubmatch(readme, -1) {
		must(t, strings.Fields(quoted[1])...)
		ran++
	}
	if ran < 2 {
		t.Errorf("%d commands ran", ran)
	}
}

// Every target of make that HACKING.md and the README name is there.
func TestMakeTargets(t *testing.T) {
	makefile := "\n" + string(read(t, checkout, "Makefile"))
	found := regexp.MustCompile("`make ([a-z]+)`").FindAllStringSubmatch(string(read(t, checkout, "HACKING.md")), -1)
	if len(found) == 0 {
		t.Error("HACKING.md names none")
	}
	for _, target := range found {
		if !strings.Contains(makefile, "\n"+target[1]+":") {
			t.Errorf("make %s is not there", target[1])
		}
	}
}
