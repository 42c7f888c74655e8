// Command gen writes docs/operations.md from the registry that the ledger runs
// by, so that the page cannot say anything else than the code does.
//
//	go run ./docs/gen
package main

import (
	"fmt"
	"os"

	"github.com/commonwatt/commonwatt/machine"
)

const operationsPage = "docs/operations.md"

func main() {
	text, err := page(machine.Registry(), ".")
	if err == nil {
		err = os.WriteFile(operationsPage, []byte(text), 0o644) //nolint:gosec // a page that everyone may read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
