package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/report"
)

// settling settles readings of a community in a folder.
type settling struct {
	community *community.Community
	readings  []gateway.Reading // By start, then meter.
	start     interval.Time     // Of the readings that were given.
	end       interval.Time
	dir       string
	show      *progress
	operator  *operator.Operator
	node      *node.Node
	screened  screened
	summary   report.Summary
}

// run opens the ledger, founding it if the folder has none, books the readings,
// waits until they are settled, and writes the results.
func (s *settling) run(ctx context.Context) (err error) {
	if s.operator, err = operator.Open(s.dir, s.community.Name); err != nil {
		return err
	}
	if s.node, err = openNode(s.dir, newLog(s.show.out)); err != nil {
		return err
	}
	if err = s.settle(ctx); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause // Whatever it was that noticed first.
		}
		if stop := s.node.Close(); stop != nil {
			return fmt.Errorf("%w (and the node did not stop cleanly: %w)", err, stop)
		}
		return err
	}
	return s.node.Close()
}

func (s *settling) settle(ctx context.Context) error {
	s.operator.Begin(s.node)
	if err := s.screen(); err != nil {
		return badInput(err)
	}
	for _, step := range []func(context.Context) error{s.found, s.record, s.lapse, s.settled} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := s.node.Rest(ctx); err != nil {
		return err
	}
	if err := s.node.Seen(ctx, s.node.Height()); err != nil {
		return err
	}
	var err error
	s.summary, err = report.Write(ctx, s.node.View(), s.community.Microgrid(), report.NamesOf(s.community), s.dir)
	return err
}

// found makes the ledger describe the community as its file does, and leaves the
// file in the folder, where a node that serves it finds the names.
func (s *settling) found(ctx context.Context) error {
	err := s.operator.Found(ctx, s.community, s.start, s.end)
	if _, bad := errors.AsType[*operator.FileError](err); bad {
		return badInput(err)
	}
	if err != nil {
		return err
	}
	return s.community.Keep(s.dir)
}

// record books the readings.
func (s *settling) record(ctx context.Context) error {
	return s.operator.Record(ctx, s.community, s.readings, func() { s.tell(s.operator.FirstOpen(s.community.Microgrid())) })
}

// tell shows how far settlement is.
func (s *settling) tell(open interval.Time) {
	s.show.intervals(open, s.start, s.end, s.community.Length)
}

// lapse says that nothing more is to be waited for in what was given.
func (s *settling) lapse(ctx context.Context) error {
	if s.operator.FirstOpen(s.community.Microgrid()) >= s.end {
		return nil
	}
	return s.operator.Lapse(ctx, s.community.Microgrid(), s.end)
}

// settled waits until nothing is left to close.
func (s *settling) settled(ctx context.Context) error {
	return s.operator.Settled(ctx, s.community.Microgrid(), s.end, s.tell)
}

// print prints the bills.
func (s *settling) print(w io.Writer, output string) error {
	switch output {
	case "json":
		return report.JSON(w, s.summary)
	case "csv":
		return report.CSV(w, s.summary)
	}
	return report.Table(w, s.summary)
}
