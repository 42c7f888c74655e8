package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/node"
)

// ground is what a node stands on while its folder is served: the folder is locked,
// somebody listens, and what happens is told.
type ground struct {
	release  func() error
	listener net.Listener
	origin   string
	secure   *tls.Config // Nil when connections are not secured.
	watched  *watched
}

// ground takes a folder and its address for as long as it is served.
func (f *upFlags) ground(ctx context.Context, cmd *cobra.Command, dir string, s node.Settings) (g *ground, err error) {
	g = &ground{}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	if g.release, err = lockFolder(dir, true); err != nil {
		return g, err
	}
	if g.listener, g.origin, g.secure, err = f.listen(ctx, cmd, dir); err != nil {
		return g, err
	}
	g.watched, err = watch(ctx, cmd.ErrOrStderr(), s)
	return g, err
}

// config is that of the node.
func (g *ground) config(ctx context.Context, dir string, s node.Settings) node.Config {
	return node.Config{Dir: dir, Log: g.watched.parts, Registry: g.watched.registerer(), Settings: s, Cancel: ctx.Done()}
}

func (g *ground) close() error {
	if g.watched != nil {
		g.watched.close()
	}
	if g.listener != nil {
		_ = g.listener.Close() // It is closed already when it was served.
	}
	if g.release == nil {
		return nil
	}
	return g.release()
}
