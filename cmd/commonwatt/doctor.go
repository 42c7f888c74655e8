package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/state"
)

// What doctor says of something.
const (
	good    = "ok"
	worry   = "warn"
	failure = "fail"
)

// finding is what doctor found, and what mends it.
type finding struct{ what, state, says, fix string }

// errUnwell means that doctor found something that fails.
var errUnwell = errors.New("something is wrong: the lines with fail say what mends it")

func doctorCommand() *cobra.Command {
	var output string
	var port int
	cmd := &cobra.Command{
		Use:   "doctor DIR",
		Short: "Look whether all is well with a node, and say what mends it",
		Long: `Doctor looks at the clock, the port, the certificate, the meters, the disk, the keys,
the signer, the community's file, the ledger, its read model and its rules, and in a network
at the other nodes, the validator and the snapshots. It changes nothing.

Exit code 0: nothing fails, though there may be warnings. 1: something fails.`,
		Args:              usage(cobra.ExactArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if err := checkLedger(args[0]); err != nil {
				return err
			}
			list, err := examine(cmd, args[0], port)
			if err != nil {
				return err
			}
			rows, unwell := [][]string{}, false
			for _, f := range list {
				rows = append(rows, []string{f.state, f.what, f.says, f.fix})
				unwell = unwell || f.state == failure
			}
			if err := printRows(cmd.OutOrStdout(), output, []string{"state", "what", "says", "fix"}, rows); err != nil {
				return err
			}
			if unwell {
				return errUnwell
			}
			return nil
		},
	}
	outputFlag(cmd, &output, "table", "how to print it")
	cmd.Flags().IntVar(&port, "port", portDefault, "port that \"up\" is to serve on")
	return cmd
}

// patient is what doctor looks at.
type patient struct {
	dir       string
	client    *live.Client // nil: no node runs.
	status    live.Running
	settings  node.Settings
	network   live.Network
	snapshot  node.SnapshotStatus
	community *community.Community
	meters    []live.Meter
	now       time.Time
}

// examine looks at everything, in the order in which things stand on one another.
func examine(cmd *cobra.Command, dir string, port int) ([]finding, error) {
	p := &patient{dir: dir, now: time.Now()}
	client, err := live.Find(cmd.Context(), dir)
	switch {
	case err == nil:
		p.client = client
	case !errors.Is(err, live.ErrNotRunning):
		return nil, err
	}
	file := p.file()
	if p.settings, err = node.LoadSettings(dir); err != nil {
		return p.rest(file, finding{"settings", failure, err.Error(), "mend what it names in " + node.SettingsFile})
	}
	switch err := p.read(cmd); {
	case errors.Is(err, errInUse):
		return nil, err
	case errors.Is(err, node.ErrNoBlock) && p.settings.Listen != "":
		return p.rest(file, finding{"ledger", worry, "no block on the disk yet", "commonwatt up " + shellWord(dir) + ": it gets them from the others, or from its own log"}, p.reached(cmd.Context()))
	case err != nil:
		return p.rest(file, finding{"ledger", failure, err.Error(), "restore the folder from a backup"})
	}
	list := append(append(p.disk(), p.keys()...), p.signer()...)
	list = append(list, file, p.clock(), p.ledger(), p.readModel(), p.rules())
	list = append(list, p.beside(cmd.Context())...)
	list = append(list, p.port(cmd.Context(), port), p.gateway(), p.certificate())
	return append(list, p.silent()...), nil
}

// rest is what can be looked at where the ledger cannot be read.
func (p *patient) rest(more ...finding) ([]finding, error) {
	return append(append(p.disk(), p.keys()...), more...), nil
}

// read asks the node that runs, or reads the folder at rest.
func (p *patient) read(cmd *cobra.Command) (err error) {
	if p.client != nil {
		if p.status, err = p.client.Status(cmd.Context()); err == nil {
			p.network, err = p.client.Network(cmd.Context())
		}
		if err == nil && p.community != nil {
			p.meters, err = p.client.Meters(cmd.Context())
		}
		return err
	}
	release, err := lockFolder(p.dir, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if p.status.Status, err = node.Inspect(p.dir); err != nil {
		return err
	}
	if err := p.readNetwork(); err != nil {
		return err
	}
	if p.status.ReadModel, err = node.InspectView(cmd.Context(), p.dir); err != nil || p.community == nil {
		return err
	}
	return node.Peek(p.dir, func(rows state.Reader, _ machine.Head) { p.meters = live.Meters(rows, p.community, p.now) })
}

// file looks at the community's file, which a node that joined a network may do without.
func (p *patient) file() finding {
	load := loadCommunity
	if follows(p.dir) {
		load = copiedCommunity
	}
	c, err := load(p.dir)
	if c == nil && err == nil {
		return finding{"community file", good, "none, so pages have numbers in place of names", ""}
	}
	if err != nil {
		return finding{"community file", failure, err.Error(), "mend the line that it names; a node that runs goes on with the last good file"}
	}
	p.community = c
	says := fmt.Sprintf("%s: %d members, %d meters", c.Name, len(c.Members), len(c.Meters().All()))
	if len(c.Members) == 0 {
		return finding{"community file", worry, says, "commonwatt member add " + shellWord(p.dir) + " NAME"}
	}
	return finding{"community file", good, says, ""}
}
