package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// longFlag is a flag where --help lists it.
var longFlag = regexp.MustCompile(`(?m)^ +(?:-[a-z], )?(--[a-z-]+)`)

// Each command has a page of the manual with all its flags, and so has what the unit of
// systemd refers to.
func TestManual(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(sourceDate, "1767225599") // The last second of 2025.
	must(t, "manual", dir)
	pages := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		pages++
		page := string(read(t, dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
		if !strings.HasPrefix(page, ".nh\n.TH ") || !strings.Contains(page, `"Dec 2025" "Commonwatt"`) {
			t.Errorf("%s: the page begins with\n%.200s", cmd.CommandPath(), page)
		}
		plain := strings.ReplaceAll(page, `\-`, "-")
		for _, m := range longFlag.FindAllStringSubmatch(cmd.LocalFlags().FlagUsages(), -1) {
			if !strings.Contains(plain, m[1]) {
				t.Errorf("%s: the page does not have %s", cmd.CommandPath(), m[1])
			}
		}
		for _, below := range cmd.Commands() {
			if below.IsAvailableCommand() {
				look(below)
			}
		}
	}
	look(rootCommand())
	if files, err := os.ReadDir(dir); err != nil || pages < 60 || len(files) < pages {
		t.Errorf("%d commands, %d pages, %v", pages, len(files), err)
	}
	unit := string(read(t, checkout, "packaging/systemd/commonwatt@.service"))
	for _, m := range regexp.MustCompile(`man:([a-z-]+)\(([0-9])\)`).FindAllStringSubmatch(unit, -1) {
		if _, err := os.Stat(filepath.Join(dir, m[1]+"."+m[2])); err != nil {
			t.Errorf("the unit refers to %s: %v", m[0], err)
		}
	}
	if !strings.Contains(unit, "man:commonwatt-up(1)") {
		t.Error("the unit refers to no page")
	}
}

// The same commands make the same pages, and what cannot be used is refused.
func TestManualAgain(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	t.Setenv(sourceDate, "1767225599")
	must(t, "manual", one)
	t.Setenv("TZ", "Pacific/Kiritimati")
	must(t, "manual", two)
	if a, b := read(t, one, "commonwatt-up.1"), read(t, two, "commonwatt-up.1"); !bytes.Equal(a, b) {
		t.Errorf("%s\n%s", a, b)
	}
	if _, errs, code := commonwatt("manual", filepath.Join(one, "none")); code != exitBadInput || !strings.Contains(errs, "make it first") {
		t.Errorf("a folder that is not there: %d %s", code, errs)
	}
	t.Setenv(sourceDate, "today")
	if _, errs, code := commonwatt("manual", one); code != exitBadInput || !strings.Contains(errs, "seconds since 1970") {
		t.Errorf("a date that is none: %d %s", code, errs)
	}
}
