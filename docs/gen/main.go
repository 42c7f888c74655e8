// Command gen writes docs/operations.md from the registry that the ledger runs
// by, and docs/openapi.json from the operations that the node serves, so that they
// cannot say anything else than the code does.
//
//	go run ./docs/gen
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/machine"
)

// What is written, in the repository.
const (
	operationsPage = "docs/operations.md"
	interfaceFile  = "docs/openapi.json"
)

func main() {
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func write() error {
	text, err := page(machine.Registry(), ".")
	if err != nil {
		return err
	}
	document, err := described()
	if err != nil {
		return err
	}
	const everyone = 0o644
	return errors.Join(os.WriteFile(operationsPage, []byte(text), everyone), os.WriteFile(interfaceFile, document, everyone))
}

// described is the OpenAPI document, a line for each of its values.
func described() ([]byte, error) {
	document, err := api.Document()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, document, "", " ")
	out.WriteByte('\n')
	return out.Bytes(), err
}
