package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
)

func buyerCommand() *cobra.Command {
	var dryRun bool
	add := &cobra.Command{
		Use:     "add DIR NAME",
		Short:   "Add a buyer of certificates, who has no connection point",
		Long:    "Add writes a buyer into the community's file: an account to which certificates can be passed on." + changes,
		Example: "  commonwatt buyer add elm-street mill",
		Args:    usage(cobra.ExactArgs(2)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			f := fields{{Name: "name", Value: community.Text(args[1])}}
			return change(cmd, args[0], community.Table{Name: "buyer", Fields: f}, "", dryRun)
		},
	}
	add.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change, and change nothing")
	return group("buyer", "The buyers of certificates", add, listCommand("list DIR", "List the buyers",
		[]string{"buyer", "account"}, func(c *community.Community) (rows [][]string) {
			for _, b := range c.Buyers {
				rows = append(rows, []string{b.Name, strconv.FormatUint(uint64(c.Account(b.Name)), 10)})
			}
			return rows
		}))
}
