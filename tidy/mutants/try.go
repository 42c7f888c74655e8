package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var errSurvived = errors.New("no test notices")

// failed finds the first test that a run of the go command reports as failed, or what
// ended all tests at once.
var failed = regexp.MustCompile(`--- FAIL: (\S+)|(?m:^(panic: .*)$)`)

// sound checks that the tests pass while nothing is wrong.
func sound(mutants []mutant, timeout time.Duration) error {
	var whole, named mutant // All packages of which any test may fail, and all the others.
	for _, m := range mutants {
		if m.named == nil {
			whole.tests = append(whole.tests, m.tests...)
		} else {
			named.tests, named.named = append(named.tests, m.tests...), append(named.named, m.named...)
		}
	}
	for _, m := range []mutant{whole, named} {
		if len(m.tests) == 0 {
			continue
		}
		if out, err := m.test(timeout); err != nil {
			return fmt.Errorf("the tests fail without a mutant:\n%s", out)
		}
	}
	return nil
}

// try runs the tests over the mutant and returns the name of the one that failed.
//
// Errors: errSurvived; that the mutant does not apply or does not build.
func (m mutant) try(timeout time.Duration) (by string, err error) {
	overlay, remove, err := m.overlay()
	if err != nil {
		return "", err
	}
	defer remove()
	build := exec.Command("go", "build", "-overlay", overlay, "./"+filepath.Dir(m.file))
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the mutant does not build:\n%s", out)
	}
	out, err := m.test(timeout, "-overlay", overlay, "-count=1", "-failfast")
	if err == nil {
		return "", errSurvived
	}
	found := failed.FindSubmatch(out)
	if found == nil {
		return "", fmt.Errorf("the tests did not run:\n%s", out)
	}
	return string(found[1]) + string(found[2]), nil
}

// test runs the tests that are to notice the mutant and returns what they print.
func (m mutant) test(timeout time.Duration, flags ...string) ([]byte, error) {
	// Twice the timeout lets the test binary print what it was doing.
	ctx, cancel := context.WithTimeout(context.Background(), 2*timeout+time.Minute)
	defer cancel()
	args := append([]string{"test", "-vet=off", "-timeout", timeout.String()}, flags...)
	if m.named != nil {
		args = append(args, "-run", "^("+strings.Join(unique(m.named), "|")+")$")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, unique(m.tests)...)...)
	cmd.Env = append(os.Environ(), "RAPID_NOFAILFILE=1")
	return cmd.CombinedOutput()
}

// unique sorts names and leaves out those that are there twice.
func unique(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

// overlay writes the mutant and the file that tells the go command about it.
func (m mutant) overlay() (name string, remove func(), err error) {
	text, err := m.apply(".")
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	was, err := filepath.Abs(m.file)
	if err != nil {
		return "", remove, err
	}
	is := filepath.Join(dir, "mutant.go")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {was: is}})
	if err != nil {
		return "", remove, err
	}
	name = filepath.Join(dir, "overlay.json")
	return name, remove, errors.Join(os.WriteFile(is, text, 0o600), os.WriteFile(name, replace, 0o600))
}
