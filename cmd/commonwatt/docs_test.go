package main

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
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

// told are the pages whose commands are run, in this order, one folder for each.
var told = []string{"README.md", "docs/start.md"}

// The commands of these pages do, in an empty folder beside the examples, what the
// page says, and print what it shows.
func TestTold(t *testing.T) {
	examples, err := filepath.Abs(filepath.Join(checkout, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range told {
		t.Run(filepath.Base(name), func(t *testing.T) {
			page := string(read(t, checkout, name))
			t.Chdir(t.TempDir())
			if err := os.Symlink(examples, "examples"); err != nil {
				t.Fatal(err)
			}
			runTold(t, page)
		})
	}
}

// runTold runs the commands of a page.
func runTold(t *testing.T, page string) {
	t.Helper()
	printed, ran := "", 0
	run := func(args []string) {
		ran++
		if slices.Contains(serving, args[0]) {
			answers(t, args)
			return
		}
		printed += must(t, args...)
	}
	for _, block := range fenced(page) {
		for _, line := range block {
			command, ours := strings.CutPrefix(line, "go run ./cmd/commonwatt ")
			switch {
			case ours:
				run(strings.Fields(command))
			case strings.HasPrefix(line, "go ") && !slices.Contains(notRun, line):
				t.Errorf("%q is neither run nor known", line)
			case !strings.HasPrefix(line, "go ") && line != "…" && !strings.Contains(printed, line+"\n"):
				t.Errorf("the page shows %q, and the commands before it print\n%s", line, printed)
			}
		}
	}
	for _, quoted := range regexp.MustCompile("`commonwatt ([a-z]+ riverside-data)`").FindAllStringSubmatch(page, -1) {
		run(strings.Fields(quoted[1]))
	}
	if ran < 2 {
		t.Errorf("%d commands ran", ran)
	}
}

// serving are the commands that serve pages until they are interrupted.
var serving = []string{"demo", "up"}

// answers runs a command that serves pages, on a port that is free, until a page of
// it was read.
func answers(t *testing.T, args []string) {
	t.Helper()
	out, in := io.Pipe()
	root := rootCommand()
	root.SetArgs(append(args, "--port", "0"))
	root.SetOut(in)
	root.SetErr(io.Discard)
	ended := make(chan error, 1)
	go func() {
		err := root.Execute()
		ended <- errors.Join(err, in.CloseWithError(err))
	}()
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("commonwatt %s: %v", strings.Join(args, " "), err)
	}
	page, err := http.Get(strings.TrimSpace(url) + "/docs/") //nolint:noctx // The test's own limit is enough.
	if err != nil {
		t.Fatal(err)
	}
	_ = page.Body.Close()
	if page.StatusCode != http.StatusOK {
		t.Errorf("commonwatt %s serves %s", strings.Join(args, " "), page.Status)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("commonwatt %s: %v", strings.Join(args, " "), err)
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
