package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/auction"
)

// marketCommand clears books and checks results, without a node.
func marketCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "market",
		Short: "Clear an order book, or check how one was cleared",
		Args:  noSuchCommand,
		// Without this a misspelt subcommand would print help and succeed.
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(marketClearCommand(), marketCheckCommand())
	return cmd
}

// resultWriters are the formats of `market clear -o`.
var resultWriters = map[string]func(io.Writer, *auction.Book, *auction.Result) error{
	"json":  writeResultJSON,
	"table": writeResultTable,
	"csv":   writeResultCSV,
}

func marketClearCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "clear BOOK",
		Short: "Clear a book: who trades how much, and at what price",
		Long: `Clear reads a book of orders in JSON from a file, or from standard input where
BOOK is -, and prints prices, fills, flows and the proof that no better outcome
exists. Energies are whole watt-hours, prices whole money units per watt-hour.

A bad book is refused with the path of the field and exit code 2; nothing is
printed then.`,
		Example: "  commonwatt market clear examples/market/neighbours.json\n" +
			"  commonwatt market clear -o csv - < book.json",
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(format); err != nil {
				return err
			}
			book, err := readBook(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			return resultWriters[format](cmd.OutOrStdout(), book, auction.Clear(book))
		},
	}
	outputFlag(cmd, &format, "json", "how to print the result")
	return cmd
}

func marketCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check BOOK RESULT",
		Short: "Check a result against its book, without clearing again",
		Long: `Check verifies the JSON of market clear against the book it came from: that no
other trades would be worth more, that the prices are admissible, and that
energy and money sum to zero. It trusts nothing but the two files; one of them
may be -, standard input.

Exit code 1 says that the result fails, 2 that a file cannot be read.`,
		Example: "  commonwatt market clear book.json | commonwatt market check book.json -",
		Args:    usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] == "-" && args[1] == "-" {
				return badInput(errors.New("book and result cannot both come from standard input"))
			}
			book, err := readBook(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			text, err := readInput(cmd.InOrStdin(), args[1])
			if err != nil {
				return err
			}
			result, refusal, err := decodeResult(book, text)
			if refusal != nil {
				return badInput(fmt.Errorf("%s: %w", inputName(args[1]), refusal))
			}
			if err == nil {
				err = auction.Check(book, result)
			}
			if err != nil {
				return fmt.Errorf("the result fails: %w", err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "the result holds: %d fills, welfare %d\n", len(result.Fills), result.Welfare)
			return err
		},
	}
}

// readBook reads a valid book from a file or, for -, from in.
func readBook(in io.Reader, path string) (*auction.Book, error) {
	text, err := readInput(in, path)
	if err != nil {
		return nil, err
	}
	book, refusal := decodeBook(text)
	if refusal != nil {
		return nil, badInput(fmt.Errorf("%s: %w", inputName(path), refusal))
	}
	return book, nil
}

func readInput(in io.Reader, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(in)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, badInput(err)
	}
	return text, nil
}

func inputName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}
