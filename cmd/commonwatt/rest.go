package main

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// startTakes is how long a node is given to start before it gives back what that took.
const startTakes = 3 * time.Second

// rest gives back the memory that only the start of a node took, as most of its life
// is waiting for an interval to end.
func rest(log *slog.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(startTakes):
			debug.FreeOSMemory()
			if err := letGo(); err != nil {
				log.Debug("the program's pages stay in memory", "err", err)
			}
			<-ctx.Done()
		case <-ctx.Done():
		}
		return nil
	}
}
