// Command mutants puts known mistakes into the code, one at a time, and asks
// whether the tests notice. Each mistake is laid over its file while the go
// command builds, so the working tree stays as it is.
//
//	go run ./tidy/mutants [-run regexp] [-timeout 2m]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"time"
)

func main() {
	only := flag.String("run", "", "a regular expression: only mutants with such a name")
	timeout := flag.Duration("timeout", 2*time.Minute, "how long the tests of one mutant may run")
	flag.Parse()
	if err := run(*only, *timeout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run tries every mutant whose name matches.
//
// Errors: a table that does not parse or does not fit the code; tests that fail
// without any mutant; mutants that no test catches.
func run(only string, timeout time.Duration) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	mutants, err := read("tidy/mutants/mutants.txt")
	if err != nil {
		return err
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !pattern.MatchString(m.name) })
	begin := time.Now()
	if err := sound(mutants, timeout); err != nil {
		return err
	}
	caught := 0
	for _, m := range mutants {
		start := time.Now()
		by, err := m.try(timeout)
		switch {
		case errors.Is(err, errSurvived):
			fmt.Printf("SURVIVED %-42s %s\n", m.name, m.says)
		case err != nil:
			return fmt.Errorf("%s: %w", m.name, err)
		default:
			caught++
			fmt.Printf("caught   %-42s %4.1f s  %s\n", m.name, time.Since(start).Seconds(), by)
		}
	}
	fmt.Printf("%d of %d caught in %.0f s\n", caught, len(mutants), time.Since(begin).Seconds())
	if caught < len(mutants) {
		return errSurvived
	}
	return nil
}
