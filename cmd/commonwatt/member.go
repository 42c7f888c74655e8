package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/operator"
)

// changes are what the commands say that change the community file.
const changes = `

It adds to DIR/community.toml and leaves every other line as it is. A node that runs
in DIR books it at once, as of the interval at hand; else the next one does. What the
file could not hold is refused, and nothing is changed.`

// group is a command that has only commands of its own.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: noSuchCommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(commands...)
	return cmd
}

func memberCommand() *cobra.Command {
	var zone, meter, capacity, buy, sell string
	var dryRun bool
	add := &cobra.Command{
		Use:     "add DIR NAME",
		Short:   "Add a member with its connection point",
		Long:    "Add writes a member into the community's file, with a connection point and its meter." + changes,
		Example: "  commonwatt member add elm-street anna --capacity-kw 15",
		Args:    usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var f fields
			f = append(f, community.Field{Name: "name", Value: community.Text(args[1])})
			f.text("zone", zone)
			f.text("meter", meter)
			f.number("capacity_kw", capacity)
			f.number("buy_limit", buy)
			f.number("sell_limit", sell)
			return change(cmd, args[0], community.Table{Name: "member", Fields: f}, "", dryRun)
		},
		ValidArgsFunction: folders,
	}
	add.Flags().StringVar(&zone, "zone", "", "zone of its connection point; where there is one, it need not be named")
	add.Flags().StringVar(&meter, "meter", "", "meter of the connection point, as readings call it (default: the member's name)")
	add.Flags().StringVar(&capacity, "capacity-kw", "", "of the connection, in kW")
	add.Flags().StringVar(&buy, "buy-limit", "", "most that it pays for a kWh, charges included")
	add.Flags().StringVar(&sell, "sell-limit", "", "least that it takes for a kWh")
	add.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change, and change nothing")
	return group("member", "The members of a community", add, listCommand("list DIR", "List the members",
		[]string{"member", "zone", "meter", "devices"}, func(c *community.Community) (rows [][]string) {
			for _, m := range c.Members {
				rows = append(rows, []string{m.Name, m.Zone, m.Meter, strconv.Itoa(len(m.Devices))})
			}
			return rows
		}))
}

func meterCommand() *cobra.Command {
	var kind, capacity string
	var dryRun bool
	add := &cobra.Command{
		Use:     "add DIR MEMBER METER",
		Short:   "Add a device with a meter of its own behind a member's connection point",
		Long:    "Add writes a device with a meter of its own into the community's file, behind a member's connection point." + changes,
		Example: "  commonwatt meter add elm-street anna anna-pv --kind solar --capacity-kw 8",
		Args:    usage(cobra.ExactArgs(3)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if kind == "" {
				return badInput(fmt.Errorf("--kind is missing: say what %s measures, one of %s", args[2], strings.Join(community.Kinds(), ", ")))
			}
			var f fields
			f = append(f, community.Field{Name: "meter", Value: community.Text(args[2])})
			f.text("kind", kind)
			f.number("capacity_kw", capacity)
			return change(cmd, args[0], community.Table{Name: "member.device", Fields: f}, args[1], dryRun)
		},
		ValidArgsFunction: folders,
	}
	add.Flags().StringVar(&kind, "kind", "", "what it measures: "+strings.Join(community.Kinds(), ", "))
	add.Flags().StringVar(&capacity, "capacity-kw", "", "of the device, in kW")
	add.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change, and change nothing")
	return group("meter", "The meters of a community", add, deviceKeyCommand(), credentialCommand(), meterCodeCommand(), listCommand("list DIR", "List the meters",
		[]string{"meter", "member", "kind", "capacity_w", "device"}, func(c *community.Community) (rows [][]string) {
			for _, id := range c.Meters().All() {
				m, _ := c.Meters().Get(id)
				rows = append(rows, []string{
					id, m.Member, community.KindName(m.Kind), strconv.FormatUint(m.CapacityW, 10),
					strconv.FormatUint(uint64(c.DeviceID(id)), 10),
				})
			}
			return rows
		}))
}

func microgridCommand() *cobra.Command {
	var parent, charge, loss, export, imported, feeder string
	var dryRun bool
	add := &cobra.Command{
		Use:     "add-zone DIR ZONE",
		Short:   "Add a zone and its line to another one",
		Long:    "Add-zone writes a zone into the community's file, with the line to its parent." + changes,
		Example: "  commonwatt microgrid add-zone elm-street mill --parent substation --charge 0.01 --loss 0.015",
		Args:    usage(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var f fields
			f = append(f, community.Field{Name: "id", Value: community.Text(args[1])})
			f.text("parent", parent)
			f.number("charge", charge)
			f.number("loss", loss)
			f.number("export_limit_kw", export)
			f.number("import_limit_kw", imported)
			f.text("feeder", feeder)
			return change(cmd, args[0], community.Table{Name: "zone", Fields: f}, "", dryRun)
		},
		ValidArgsFunction: folders,
	}
	add.Flags().StringVar(&parent, "parent", "", "zone that its line leads to")
	add.Flags().StringVar(&charge, "charge", "", "of a kWh that crosses the line")
	add.Flags().StringVar(&loss, "loss", "", "share that is lost on the way, as in 0.015")
	add.Flags().StringVar(&export, "export-limit-kw", "", "most that flows to the parent, in kW")
	add.Flags().StringVar(&imported, "import-limit-kw", "", "most that flows from the parent, in kW")
	add.Flags().StringVar(&feeder, "feeder", "", "meter of what flows into the zone, to check its homes' meters by")
	add.Flags().BoolVar(&dryRun, "dry-run", false, "say what would change, and change nothing")
	return group("microgrid", "The microgrid of a community", add, listCommand("show DIR", "Show the microgrid's zones",
		[]string{"zone", "parent", "members", "microgrid"}, func(c *community.Community) (rows [][]string) {
			members := map[string]int{}
			for _, m := range c.Members {
				members[m.Zone]++
			}
			for _, z := range c.Zones {
				rows = append(rows, []string{z.ID, z.Parent, strconv.Itoa(members[z.ID]), strconv.FormatUint(uint64(c.Microgrid()), 10)})
			}
			return rows
		}))
}

func accountCommand() *cobra.Command {
	return group("account", "The accounts of a community", listCommand("list DIR", "List the accounts with their numbers on the ledger",
		[]string{"name", "role", "account"}, func(c *community.Community) (rows [][]string) {
			rows = append(rows, []string{live.OperatorName, "operator", strconv.FormatUint(uint64(operator.Account), 10)})
			for _, name := range []string{community.UtilityName, community.NetworkName, community.LevyName} {
				rows = append(rows, []string{name, "receiver", strconv.FormatUint(uint64(c.Account(name)), 10)})
			}
			for _, m := range c.Members {
				rows = append(rows, []string{m.Name, "member", strconv.FormatUint(uint64(c.Account(m.Name)), 10)})
			}
			for _, b := range c.Buyers {
				rows = append(rows, []string{b.Name, "buyer", strconv.FormatUint(uint64(c.Account(b.Name)), 10)})
			}
			return rows
		}))
}

// listCommand lists something of a community file.
func listCommand(use, short string, header []string, of func(*community.Community) [][]string) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: usage(cobra.ExactArgs(1)), ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			c, err := loadCommunity(args[0])
			if err != nil {
				return err
			}
			return printRows(cmd.OutOrStdout(), output, header, of(c))
		},
	}
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

// printRows prints rows of words under a header.
func printRows(w io.Writer, output string, header []string, rows [][]string) error {
	switch output {
	case "json":
		list := []map[string]string{}
		for _, row := range rows {
			object := map[string]string{}
			for i, name := range header {
				object[name] = row[i]
			}
			list = append(list, object)
		}
		return json.NewEncoder(w).Encode(list)
	case "csv":
		return csv.NewWriter(w).WriteAll(append([][]string{header}, rows...))
	}
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}
