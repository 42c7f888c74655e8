package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/interval"
)

// The commands of "Run a community" do, one after the other in an empty folder,
// what the page says. A node that it starts runs until the page ends it.
func TestRunACommunity(t *testing.T) {
	page := string(read(t, checkout, "docs/run-a-community.md"))
	t.Chdir(t.TempDir())
	var node *running
	inside, ran, readings := "", 0, ""
	settled := interval.Time(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC).Unix()) // By the page's readings.
	for line := range strings.Lines(page) {
		line = strings.TrimSuffix(line, "\n")
		fence, is := strings.CutPrefix(line, "```")
		command, ours := strings.CutPrefix(line, "commonwatt ")
		switch {
		case is && inside != "":
			inside = ""
			if err := os.WriteFile("readings.csv", []byte(readings), 0o600); err != nil {
				t.Fatal(err)
			}
		case is:
			inside = "fence " + fence
		case inside == "fence csv":
			readings += line + "\n"
		case inside == "":
		case line == "# Ctrl-C":
			node.stop(t)
		case !ours:
			t.Errorf("%q is neither run nor known", line)
		case strings.HasPrefix(command, "up "):
			args := strings.Fields(command)
			node = start(t, args[1], args[2:]...)
		default:
			must(t, strings.Fields(command)...)
			ran++
			if strings.HasPrefix(command, "import --into ") {
				node.settled(t, settled)
			}
		}
	}
	if node == nil || ran < 15 {
		t.Errorf("%d commands ran", ran)
	}
	out := must(t, "status", "elm-street-again", "-o", "csv")
	if !strings.Contains(out, ",2026-05-31T22:00:00Z,2026-06-01T00:00:00Z,3,0") {
		t.Errorf("restored, it is not where it was: %s", out)
	}
}
