package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
)

func initCommand() *cobra.Command {
	a := newReplies()
	var dryRun, network bool
	var f foundFlags
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Found a community: six answers, a commented file, a ledger",
		Long: `Init makes a folder for a community: its file, community.toml, with comments, the
operator's key, which nobody else can read, and the ledger's first block.

It asks at most six questions, and only on a terminal; each of them is a flag. It
refuses a folder that is in use, and prints the command that comes next.

With --network other organisations can run nodes of the ledger and decide on it, once
they are invited and admitted: docs/network.md. --listen is where their nodes reach this
one; it is not where pages are served.`,
		Example: `  commonwatt init elm-street
  commonwatt init elm-street --name "Elm Street" --time-zone Europe/Berlin --retail 0.32 --feed-in 0.08
  commonwatt init elm-street --network --listen 127.0.0.1:26656`,
		Args:              usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: folders,
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			if err := checkFree(dir); err != nil {
				return err
			}
			if err := f.check(network); err != nil {
				return err
			}
			c, err := a.community(cmd)
			if err != nil {
				return err
			}
			if dryRun {
				_, err := cmd.OutOrStdout().Write(c.Source())
				return err
			}
			return found(cmd, dir, c, f)
		},
	}
	for _, q := range a.list {
		cmd.Flags().StringVar(&q.value, q.flag, "", q.help)
	}
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print the community's file and make nothing")
	cmd.Flags().BoolVar(&network, "network", false, "found it for several organisations, with --listen")
	listenFlags(cmd, &f.settings)
	cmd.Flags().Uint32Var(&f.rules, "rules", 0, "version of the rules that the ledger begins with (default: the newest; an older one is for nodes that do not know that yet)")
	return cmd
}

// foundFlags are flags of how a ledger begins.
type foundFlags struct {
	settings node.Settings
	rules    uint32
}

// check refuses flags that do not go together.
func (f *foundFlags) check(network bool) error {
	s := f.settings
	switch {
	case f.rules > node.RulesNewest():
		return badInput(fmt.Errorf("--rules %d: this program knows them up to version %d; nothing was made", f.rules, node.RulesNewest()))
	case network && s.Listen == "":
		return badInput(errors.New("--network needs --listen: say where other nodes reach this one, as in --listen 127.0.0.1:26656; nothing was made"))
	case !network && (s.Listen != "" || s.Advertise != ""):
		return badInput(errors.New("--listen and --advertise are for a network: add --network; \"commonwatt up --listen\" says where pages are served; nothing was made"))
	}
	if err := s.Check(); err != nil {
		return badInput(fmt.Errorf("%w; nothing was made", err))
	}
	return nil
}

// checkFree refuses a folder that is in use by anything but a founding that was cut
// short, or what else a draft of it leaves behind.
func checkFree(dir string, draft ...string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return badInput(err)
	case node.Exists(dir):
		return badInput(fmt.Errorf("%s: there is a ledger here already: serve it with \"commonwatt up %s\", or name another folder", dir, dir))
	}
	for _, e := range entries {
		if !slices.Contains(append(draft, foundingFiles...), e.Name()) {
			return badInput(fmt.Errorf("%s: the folder holds %s: name an empty folder or a new one; nothing was made", dir, e.Name()))
		}
	}
	return nil
}

// found makes the folder. The community file comes last, so that a folder that has
// one is complete.
func found(cmd *cobra.Command, dir string, c *community.Community, f foundFlags) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the folder cannot be made: %w", err)
	}
	release, err := lockFolder(dir, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if _, err := operator.OpenBy(dir, c.Name, f.rules); err != nil {
		return err
	}
	settings := f.settings
	h, err := openHouse(node.Config{Dir: dir, Log: newLog(cmd.ErrOrStderr())}, c)
	if err != nil {
		return err
	}
	if settings.Listen != "" {
		err = errors.Join(settings.Save(dir), keepFounder(dir, c.Name, settings))
	}
	if err := errors.Join(err, c.Keep(dir), h.node.Close()); err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	fmt.Fprintf(w, "%s is founded in %s\n\n", c.Name, dir)
	fmt.Fprintf(w, "  %-16s who belongs to it and at which prices; yours to edit\n", community.File)
	fmt.Fprintf(w, "  %-16s the operator's key: whoever has it signs for the community; keep a copy\n", operator.KeyFile)
	if settings.Listen != "" {
		fmt.Fprintf(w, "  %-16s how this node runs: other nodes reach it at %s\n", node.SettingsFile, settings.Reached())
	}
	fmt.Fprintf(w, "\nNext: commonwatt member add %s NAME\nThen: commonwatt up %s\n", shellWord(dir), shellWord(dir))
	return nil
}

// keepFounder notes what the first organisation of a network is called.
func keepFounder(dir, name string, s node.Settings) error {
	self, err := node.Identity(dir)
	if err != nil {
		return err
	}
	return node.KeepOrganisations(dir, node.Organisation{
		Name: name, Account: operator.Account, Validator: self.Validator, Node: self.Node + "@" + s.Reached(),
	})
}

// shellWord writes a word as a shell takes it for one.
func shellWord(s string) string {
	if s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/:@%+,=") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// question is one that init asks.
type question struct {
	flag, help, asks, field, otherwise string
	value                              string
}

// replies are what init knows of a community.
type replies struct{ list []*question }

func newReplies() *replies {
	return &replies{[]*question{
		{flag: "name", help: "what people call the community", asks: "What is the community called?", field: "community.name"},
		{flag: "time-zone", help: "of its tariff and bills (default: this computer's)", asks: "In which time zone does it live?", field: "community.time_zone", otherwise: zoneHere()},
		{flag: "currency", help: "of its bills (default EUR)", asks: "Which currency are its bills in?", field: "community.currency", otherwise: "EUR"},
		{flag: "interval", help: "minutes that its meters count for a reading: 5, 15, 30 or 60 (default 15)", asks: "For how many minutes is a reading of its meters?", field: "community.interval_minutes", otherwise: "15"},
		{flag: "retail", help: "what the supplier asks for a kWh, as in 0.32", asks: "What does the supplier ask for a kWh?", field: "tariff.retail"},
		{flag: "feed-in", help: "what the supplier pays for a kWh, as in 0.08", asks: "What does the supplier pay for a kWh?", field: "tariff.feed_in"},
	}}
}

// zoneHere is the name of this computer's time zone, or UTC when it has none.
func zoneHere() string {
	name := os.Getenv("TZ")
	if name == "" {
		link, err := os.Readlink("/etc/localtime")
		if _, after, ok := strings.Cut(filepath.ToSlash(link), "zoneinfo/"); err == nil && ok {
			name = after
		}
	}
	if name == "" || strings.HasPrefix(name, ":") {
		return "UTC"
	}
	return name
}

// community asks for what no flag says, if there is somebody to ask, and returns
// the community that the answers make.
func (a *replies) community(cmd *cobra.Command) (*community.Community, error) {
	in, asked := cmd.InOrStdin(), false
	if f, ok := in.(*os.File); ok {
		asked = term.IsTerminal(f.Fd())
	}
	return a.fill(cmd.Flags().Changed, in, cmd.ErrOrStderr(), asked)
}

// fill is community for what can be given as a flag, read and written.
func (a *replies) fill(given func(flag string) bool, in io.Reader, out io.Writer, asked bool) (*community.Community, error) {
	lines := bufio.NewScanner(in)
	if _, q, err := a.parse(); q != nil && given(q.flag) {
		return nil, badInput(fmt.Errorf("--%s %w; nothing was made", q.flag, err))
	}
	for _, q := range a.list {
		switch {
		case given(q.flag):
			continue
		case asked:
			if err := a.ask(q, lines, out); err != nil {
				return nil, err
			}
		case q.otherwise == "":
			return nil, badInput(fmt.Errorf("--%s is missing, and there is no terminal to ask on: say %s; nothing was made", q.flag, q.help))
		default:
			q.value = q.otherwise
		}
	}
	c, q, err := a.parse()
	if q != nil {
		err = fmt.Errorf("--%s %w; nothing was made", q.flag, err)
	}
	if err != nil {
		return nil, badInput(err)
	}
	return c, nil
}

// ask asks one question until the answer is good.
func (a *replies) ask(q *question, lines *bufio.Scanner, out io.Writer) error {
	for {
		fmt.Fprint(out, q.asks+" ")
		if q.otherwise != "" {
			fmt.Fprintf(out, "[%s] ", q.otherwise)
		}
		if !lines.Scan() {
			return badInput(errors.Join(errors.New("the answers ended before the questions; nothing was made"), lines.Err()))
		}
		if q.value = strings.TrimSpace(lines.Text()); q.value == "" {
			q.value = q.otherwise
		}
		// What the answers so far make is judged together: one price by the other.
		_, of, err := a.parse()
		if of == nil || slices.Index(a.list, of) > slices.Index(a.list, q) {
			return nil
		}
		fmt.Fprintf(out, "  This %v\n", err)
	}
}

// parse returns the community, or what is wrong with it and with which answer.
func (a *replies) parse() (*community.Community, *question, error) {
	c, err := community.Parse(community.File, a.text())
	no, ok := errors.AsType[*community.Refused](err)
	if !ok {
		return c, nil, err
	}
	for _, q := range a.list {
		if q.field == no.Field {
			return nil, q, errors.New(no.Reason)
		}
	}
	return nil, nil, err
}
