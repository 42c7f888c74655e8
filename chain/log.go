package chain

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/cometbft/cometbft/libs/log"
)

// logger passes CometBFT's warnings and errors on. CometBFT also reports, as
// errors, that its parts end while it is being stopped; quiet drops those.
type logger struct {
	log   *slog.Logger
	quiet *atomic.Bool
	fatal *atomic.Value // Why consensus failed, which CometBFT tells nobody else.
	halt  func(error)   // What is done when the log of votes fails; nil: nothing.
}

func newLogger(l *slog.Logger) logger {
	return logger{log: l, quiet: new(atomic.Bool), fatal: new(atomic.Value)}
}

// Debug drops what CometBFT does all day.
func (logger) Debug(string, ...any) {}

// Info drops what CometBFT does all day.
func (logger) Info(string, ...any) {}

// Warn passes a warning on.
func (l logger) Warn(message string, pairs ...any) { l.write(slog.LevelWarn, message, pairs) }

// afterDeath is what CometBFT reports as errors when a validator that died goes
// on: it signed something that it no longer knows of, and its signer keeps it from
// signing anything else for that step. It loses a moment and nothing more.
var afterDeath = map[string]bool{
	"propose step; failed signing proposal":                     true,
	"failed signing vote":                                       true,
	"error on catchup replay; proceeding to start state anyway": true,
}

// ofPeers is what CometBFT reports as errors when a peer goes away or cannot be
// reached, as peers may: it is looked for again.
var ofPeers = map[string]bool{
	"Stopping peer for error":                                    true,
	"Error dialing peer":                                         true,
	"Connection failed @ sendRoutine":                            true,
	"Connection failed @ recvRoutine":                            true,
	"Failed to send PacketPing":                                  true,
	"Failed to send PacketPong":                                  true,
	"Failed to write PacketMsg":                                  true,
	"Failed to reconnect to peer. Beginning exponential backoff": true,
	"Failed to reconnect to peer. Giving up":                     true,
}

// unlogged is what CometBFT reports, every other second, when its log of votes cannot
// be written. It then signs nothing more and stands still, for ever and without a word.
const unlogged = "Periodic WAL flush failed"

// consensusFailed is what CometBFT reports when consensus ends by itself, with the
// reason as "err".
const consensusFailed = "CONSENSUS FAILURE!!!"

// Error passes an error on.
func (l logger) Error(message string, pairs ...any) {
	switch {
	case message == consensusFailed:
		l.fatal.CompareAndSwap(nil, fmt.Sprint(value(pairs, "err")))
	case message == unlogged && l.halt != nil && !l.quiet.Load():
		l.halt(fmt.Errorf("chain: the log of votes cannot be written: %v", value(pairs, "err")))
	}
	if afterDeath[message] || ofPeers[message] {
		l.write(slog.LevelInfo, message, pairs)
		return
	}
	l.write(slog.LevelError, message, pairs)
}

// With returns a logger that adds pairs to each line.
func (l logger) With(pairs ...any) log.Logger {
	return logger{l.log.With(pairs...), l.quiet, l.fatal, l.halt}
}

// value is what pairs say of a name.
func value(pairs []any, name string) any {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i] == name {
			return pairs[i+1]
		}
	}
	return nil
}

// failure is why consensus ended by itself, in CometBFT's words.
func (l logger) failure() string {
	if why, ok := l.fatal.Load().(string); ok {
		return why
	}
	return "the log says why"
}

func (l logger) write(level slog.Level, message string, pairs []any) {
	if !l.quiet.Load() {
		l.log.Log(context.Background(), level, "consensus: "+message, pairs...) //nolint:sloglint // the message is CometBFT's
	}
}
