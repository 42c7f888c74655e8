package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/keyfile"
)

// Exit codes of every command.
const (
	exitFailed   = 1 // The command ran and the answer is no, or the world failed it.
	exitBadInput = 2 // What was given cannot be used: a bad file, argument or flag.
)

// exitError is an error that says with which code the program ends.
type exitError struct {
	code int
	err  error
}

// Error returns the text of the wrapped error.
func (e *exitError) Error() string { return e.err.Error() }

// Unwrap returns the wrapped error.
func (e *exitError) Unwrap() error { return e.err }

// badInput makes err end the program with exitBadInput.
func badInput(err error) error { return &exitError{exitBadInput, err} }

// exitCode is the code that the program ends with after err.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[*exitError](err); ok {
		return e.code
	}
	if errors.Is(err, keyfile.ErrPassphrase) || errors.Is(err, keyfile.ErrLocked) {
		return exitBadInput // Whichever command it was that read the key.
	}
	return exitFailed
}

// usage makes a wrong number of arguments bad input, and shows the right one.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return badInput(fmt.Errorf("%w; usage: %s", err, cmd.UseLine()))
		}
		return nil
	}
}
