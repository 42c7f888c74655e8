package main

import (
	"io"
	"log/slog"
)

// newLog writes warnings and errors of what a command runs on, as plain lines.
func newLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
