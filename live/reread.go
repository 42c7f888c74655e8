package live

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/tx"
)

// stamp tells whether a file changed, without reading it.
type stamp struct {
	at   time.Time
	size int64
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.ModTime(), info.Size()}, nil
}

// reread books the community file when it changed. A bad one is told of once and
// changes nothing.
func (l *Live) reread(ctx context.Context) error {
	is, err := stampOf(l.path())
	if err == nil && is == l.stamp {
		return nil
	}
	was := l.stamp
	l.stamp = is
	var c *community.Community
	if err == nil {
		c, err = community.Load(l.path())
	}
	if l.follows() {
		return l.renamed(c, err)
	}
	var booked []string
	if err == nil {
		booked, err = l.book(ctx, c)
	}
	switch {
	case err != nil && fatal(err):
		return err
	case err != nil && is != was:
		l.Log.Warn("the community file changed and is bad: the last good one goes on until it is mended", "err", err)
	case err == nil:
		l.Log.Info("the community file changed", "booked", fmt.Sprint(booked))
	}
	return nil
}

// change replaces the community file by another text and books it; with dryRun it
// says only what that would take.
//
// Errors: *community.Refused, *operator.FileError, those of the disk and the ledger.
func (l *Live) change(ctx context.Context, text []byte, dryRun bool) (booked []string, err error) {
	c, err := community.Parse(l.path(), text)
	if err != nil {
		return nil, err
	}
	operations, err := l.plan(c)
	if err != nil || dryRun {
		return Describe(operations), err
	}
	// The file comes first: what it says and the ledger does not, the next look books.
	if err := c.Keep(l.Dir); err != nil {
		return nil, err
	}
	if l.stamp, err = stampOf(l.path()); err != nil {
		return nil, err
	}
	return l.book(ctx, c)
}

// Describe names operations, each kind once with how many there are.
func Describe(operations []tx.Operation) []string {
	count := map[uint32]int{}
	var order []uint32
	for _, o := range operations {
		if count[o.Kind]++; count[o.Kind] == 1 {
			order = append(order, o.Kind)
		}
	}
	names := []string{}
	for _, kind := range order {
		name := fmt.Sprintf("operation %d", kind)
		if known, ok := machine.Registry().Operation(kind); ok {
			name = known.Name
		}
		names = append(names, fmt.Sprintf("%s %d", name, count[kind]))
	}
	return names
}
