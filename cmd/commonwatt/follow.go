package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/monitor"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/server"
	"github.com/commonwatt/commonwatt/session"
)

// follows reports whether a folder is of a node that joined a network, and not the
// operator's.
func follows(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, node.InvitationFile))
	return err == nil && node.Exists(dir) && !operator.Operates(dir)
}

// operatorFlags are flags of up that only the operator's node has a use for.
var operatorFlags = []string{"from", "grace", "backlog", "mqtt", "nats"}

// runFollower serves a folder of a node that joined a network, until the context ends.
func runFollower(ctx context.Context, cmd *cobra.Command, dir string, f upFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	if i := slices.IndexFunc(operatorFlags, cmd.Flags().Changed); i >= 0 {
		return badInput(fmt.Errorf("--%s: this node joined a network and settles nothing by itself: give the flag to the operator's node", operatorFlags[i]))
	}
	c, err := copiedCommunity(dir)
	if err != nil {
		return err
	}
	settings, err := f.settings(dir)
	if err != nil {
		return err
	}
	g, err := f.ground(ctx, cmd, dir, settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	h, err := followHouse(g.config(ctx, dir, settings), c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.node.Close()) }()
	people, peopleErr := session.Open(dir, time.Now)
	voice, err := operator.Organisation(dir)
	if err = errors.Join(peopleErr, err); err != nil {
		return err
	}
	voice.Begin(h.node)
	life := live.New(live.Config{
		Dir: dir, Node: h.node, Organisation: voice, Source: h.source, Sessions: people, Origin: g.origin, Now: time.Now, Log: g.watched.happens,
	}, c)
	health := monitor.NewHealth(h.node.Health)
	s, err := server.New(h.serves(people, nil, g.origin), health)
	if err != nil {
		return err
	}
	forget, err := life.Control(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, forget()) }()
	fmt.Fprintln(cmd.OutOrStdout(), g.origin)
	if g.watched.json {
		g.watched.happens.Info("the node is up", "origin", g.origin, "metrics", g.watched.address(), "chain", h.node.Headers().Chain())
	} else {
		fmt.Fprintf(cmd.ErrOrStderr(), "A node of %s is up; it fetches the ledger from its peers. Ctrl-C ends it.\n", h.node.Headers().Chain())
	}
	if f.open {
		openBrowser(ctx, cmd.ErrOrStderr(), g.origin)
	}
	return liveAndServe(ctx, s, g.listener, append(g.watched.lives(health), life.Run, h.node.Live)...)
}

// copiedCommunity reads the copy of the operator's community file, if there is one.
func copiedCommunity(dir string) (*community.Community, error) {
	c, err := community.Load(filepath.Join(dir, community.File))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, badInput(err)
	}
	return c, nil
}

// settings are those of the folder, or of the flags where they say otherwise.
func (f *upFlags) settings(dir string) (node.Settings, error) {
	s, err := node.LoadSettings(dir)
	if err != nil {
		return s, badInput(err)
	}
	s.Listen, s.Advertise = cmp.Or(f.network.Listen, s.Listen), cmp.Or(f.network.Advertise, s.Advertise)
	s.View = cmp.Or(f.network.View, s.View)
	s.Metrics, s.Log, s.LogLevel = cmp.Or(f.network.Metrics, s.Metrics), cmp.Or(f.network.Log, s.Log), cmp.Or(f.network.LogLevel, s.LogLevel)
	if len(f.network.Peers) > 0 {
		s.Peers = f.network.Peers
	}
	if err := s.Check(); err != nil {
		return s, badInput(err)
	}
	return s, nil
}
