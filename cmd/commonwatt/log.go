package main

import (
	"cmp"
	"context"
	"io"
	"log/slog"

	"github.com/commonwatt/commonwatt/node"
)

// newLog writes warnings and errors of what a command runs on, as plain lines.
func newLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// logJSON is how a log for programs is written.
const logJSON = "json"

// openLog returns the log of what happens, and that of the parts that it happens on, of
// which only warnings are of interest unless somebody looks for a mistake. The latter
// is also that of whatever has none of its own.
func openLog(w io.Writer, s node.Settings) (life, parts *slog.Logger) {
	var level slog.Level
	_ = level.UnmarshalText([]byte(cmp.Or(s.LogLevel, "info"))) // It was checked.
	options := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(w, options)
	if s.Log == logJSON {
		h = slog.NewJSONHandler(w, options)
	}
	least := level
	if level == slog.LevelInfo {
		least = slog.LevelWarn
	}
	life, parts = slog.New(h), slog.New(from{h, least})
	slog.SetDefault(parts)
	return life, parts
}

// from is a log from a level on.
type from struct {
	slog.Handler
	level slog.Level
}

// Enabled reports whether a level is written.
func (h from) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

// WithAttrs adds attributes to each line.
func (h from) WithAttrs(attrs []slog.Attr) slog.Handler {
	return from{h.Handler.WithAttrs(attrs), h.level}
}

// WithGroup puts what is added later into a group.
func (h from) WithGroup(name string) slog.Handler { return from{h.Handler.WithGroup(name), h.level} }
