package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"commonwatt": func() {
			if name := os.Getenv(clockFile); name != "" {
				now = func() time.Time { return readClock(name) }
			}
			os.Exit(run())
		},
	})
}

// TestScripts runs the command lines of testdata/script as a user would.
func TestScripts(t *testing.T) {
	examples, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  exits,
			"spoil":  spoil,
			"places": places,
			"word":   word,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("EXAMPLES", examples+"/../../examples")
			return nil
		},
	})
}

// exits runs a command that must end with the code given first:
// `exits 2 commonwatt market clear bad.json`.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d instead of %d", got, want)
	}
}

// word keeps the last word of a file in a variable: `word stdout.txt HASH`.
func word(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: word FILE VARIABLE")
	}
	words := strings.Fields(ts.ReadFile(args[0]))
	if len(words) == 0 {
		ts.Fatalf("%s has no word", args[0])
	}
	ts.Setenv(args[1], words[len(words)-1])
}

// spoil changes a byte of a file and writes the rest as it is:
// `spoil proof.cwproof 812 spoiled.cwproof`. Below zero the bytes count from the end.
func spoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: spoil FILE BYTE TO")
	}
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	raw := []byte(ts.ReadFile(args[0]))
	if at < 0 {
		at += len(raw)
	}
	raw[at] ^= 4
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), raw, 0o600))
}

var placePattern = regexp.MustCompile(`\b[0-9]+\.[0-9]+\.[0-9]+\b`)

// places compares what was printed with a file in which the places of receipts, which
// differ from run to run, are PLACE1, PLACE2 and so on, and sets these for what follows:
// `places stdout want.txt`.
func places(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: places FILE WANT")
	}
	known := map[string]string{}
	got := placePattern.ReplaceAllStringFunc(ts.ReadFile(args[0]), func(at string) string {
		if known[at] == "" {
			known[at] = fmt.Sprintf("PLACE%d", len(known)+1)
			ts.Setenv(known[at], at)
		}
		return known[at]
	})
	if want := ts.ReadFile(args[1]); got != want {
		ts.Fatalf("%s is\n%s\nand not\n%s", args[0], got, want)
	}
}
