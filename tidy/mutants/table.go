package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// mutant is one deliberate mistake.
type mutant struct {
	name  string
	says  string   // What is wrong with it.
	file  string   // From the root of the module.
	tests []string // The packages of which one must fail.
	named []string // Which of their tests may be the one; none: any.
	old   string   // Whole lines, found exactly once.
	new   string
}

var errNotOnce = errors.New("the old lines are not in the file exactly once: the code has moved on, mend the table")

// read reads a table of mutants. An entry is
//
//	bug NAME: what is wrong
//	in FILE, caught by PACKAGE... TEST...
//	-old line
//	+new line
//
// Tests are named where running all of the packages would take long. Lines that start with # and empty lines are for readers.
func read(name string) (list []mutant, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if strings.HasPrefix(line, "bug ") {
			list = append(list, mutant{})
		}
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
		case len(list) == 0 || !list[len(list)-1].take(line):
			return nil, fmt.Errorf("%s:%d: not a line of a mutant: %s", name, number, strings.TrimSpace(line))
		}
	}
	for _, m := range list {
		if m.file == "" || len(m.tests) == 0 || m.old == "" || m.old == m.new {
			return nil, fmt.Errorf("%s: mutant %s is not complete", name, m.name)
		}
	}
	return list, nil
}

// take takes in one line of the mutant's entry, and reports whether it is one.
func (m *mutant) take(line string) (ok bool) {
	if old, is := strings.CutPrefix(line, "-"); is {
		m.old += old
		return true
	}
	if changed, is := strings.CutPrefix(line, "+"); is {
		m.new += changed
		return true
	}
	line = strings.TrimSpace(line)
	if bug, is := strings.CutPrefix(line, "bug "); is {
		m.name, m.says, ok = strings.Cut(bug, ": ")
		return ok
	}
	if place, is := strings.CutPrefix(line, "in "); is {
		var tests string
		m.file, tests, ok = strings.Cut(place, ", caught by ")
		for by := range strings.FieldsSeq(tests) {
			if strings.HasPrefix(by, "Test") {
				m.named = append(m.named, by)
			} else {
				m.tests = append(m.tests, by)
			}
		}
	}
	return ok
}

// apply returns the file with the mistake in it.
//
// Errors: errNotOnce; those of reading the file.
func (m mutant) apply(root string) ([]byte, error) {
	text, err := os.ReadFile(root + "/" + m.file)
	if err != nil {
		return nil, err
	}
	// Whole lines: a match begins where a line begins.
	whole, old := "\n"+string(text), "\n"+m.old
	if strings.Count(whole, old) != 1 {
		return nil, errNotOnce
	}
	return []byte(strings.Replace(whole, old, "\n"+m.new, 1)[1:]), nil
}
