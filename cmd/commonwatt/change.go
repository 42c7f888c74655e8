package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/store"
)

// change adds a table to the community file of a folder. A running node does so and
// books it; else the next one books it.
func change(cmd *cobra.Command, dir string, t community.Table, member string, dryRun bool) error {
	if follows(dir) {
		return badInput(fmt.Errorf("%s: this node joined a network: change the community at the operator's node, and bring a copy of %s here for its names", dir, community.File))
	}
	c, err := loadCommunity(dir)
	if err != nil {
		return err
	}
	changed, err := c.With(filepath.Join(dir, community.File), t, member)
	if err != nil {
		return badInput(err)
	}
	client, err := live.Find(cmd.Context(), dir)
	switch {
	case errors.Is(err, live.ErrNotRunning):
		return changeAtRest(cmd, dir, changed, t, dryRun)
	case err != nil:
		return err
	}
	booked, err := client.Change(cmd.Context(), changed.Source(), dryRun)
	if err != nil {
		return refusedByNode(err)
	}
	if dryRun {
		return printChange(cmd.OutOrStdout(), t, "would book", booked)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is changed, and the node that runs booked it: %s\n", community.File, operations(booked))
	return err
}

// changeAtRest changes the file of a folder in which no node runs.
func changeAtRest(cmd *cobra.Command, dir string, c *community.Community, t community.Table, dryRun bool) (err error) {
	release, err := lockFolder(dir, !dryRun)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	planned, err := planAtRest(dir, c)
	if err != nil {
		return badInput(err)
	}
	if dryRun {
		return printChange(cmd.OutOrStdout(), t, `the next "up" or "settle" would book`, planned)
	}
	if err := keepSealed(dir, c); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is changed; no node runs, so the next \"commonwatt up %s\" books it\n", community.File, shellWord(dir))
	return err
}

// planAtRest lists what a node that starts now would book.
func planAtRest(dir string, c *community.Community) (planned []string, err error) {
	now := c.Length.Containing(interval.Time(time.Now().Unix())).Start
	peek := node.Peek(dir, func(rows state.Reader, _ machine.Head) {
		if err = c.Fits(rows); err != nil {
			return
		}
		operations, no := c.Operations(rows, operator.Account, community.Span{Start: now, From: now, End: c.PricedUntil(live.TariffUntil(now))})
		planned, err = live.Describe(operations), no
	})
	return planned, errors.Join(peek, err)
}

// keepSealed writes the community file of a stopped node's folder, on purpose: the
// seal goes on telling on everything else.
func keepSealed(dir string, c *community.Community) error {
	if err := c.Keep(dir); err != nil {
		return err
	}
	return store.Reseal(dir, community.File)
}

func printChange(w io.Writer, t community.Table, when string, names []string) error {
	for line := range strings.Lines(string(t.Write())) {
		fmt.Fprint(w, "+ "+line)
	}
	_, err := fmt.Fprintf(w, "\n%s: %s\nnothing was changed\n", when, operations(names))
	return err
}

// operations writes operations as a sentence has them.
func operations(names []string) string {
	if len(names) == 0 {
		return "nothing, the ledger says so already"
	}
	return strings.Join(names, ", ")
}

// fields gathers the fields of a table that were given.
type fields []community.Field

// text adds a field that is a text, unless it is empty.
func (f *fields) text(name, value string) {
	if value != "" {
		*f = append(*f, community.Field{Name: name, Value: community.Text(value)})
	}
}

// number adds a field that is a number; what is none is refused with the file.
func (f *fields) number(name, value string) {
	if plainNumber(value, ".") {
		*f = append(*f, community.Field{Name: name, Value: value})
		return
	}
	f.text(name, value)
}
