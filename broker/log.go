package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// serverLog writes what the server says to the node's log. The server tells of a
// topic that is not a device's nowhere else, so that is read here.
type serverLog struct {
	log     *slog.Logger
	foreign chan trespass

	mu     sync.Mutex
	died   error
	second int64 // In which lines are counted, since 1970.
	lines  int   // Written in it.
	left   int   // Not written since the last one that was.
}

// linesMost is how many lines a second the server may write: where ten thousand
// connections are lost, it has something to say of each.
const linesMost = 10

// trespass is a device that published on a topic that is not its own.
type trespass struct {
	client  uint64 // The server's number of the connection.
	subject string
}

// trespassesMax is how many may wait to be told of. More are in the log alone.
const trespassesMax = 1024

func newServerLog(log *slog.Logger) *serverLog {
	return &serverLog{log: log, foreign: make(chan trespass, trespassesMax)}
}

// Noticef is what a node's operator needs not know.
func (l *serverLog) Noticef(format string, v ...any) { l.Debugf(format, v...) }

// Debugf is for whoever looks for a mistake.
func (l *serverLog) Debugf(format string, v ...any) {
	l.log.Debug("broker: the server", "says", fmt.Sprintf(format, v...))
}

// Tracef is not asked for.
func (l *serverLog) Tracef(string, ...any) {}

// Warnf is what the server gets over.
func (l *serverLog) Warnf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now().Unix(); now != l.second {
		l.second, l.lines = now, 0
	}
	if l.lines++; l.lines > linesMost {
		l.left++
		return
	}
	said := []any{"says", fmt.Sprintf(format, v...)}
	if l.left > 0 {
		said = append(said, "lines_left_out_before", l.left)
		l.left = 0
	}
	l.log.Warn("broker: the server", said...)
}

// violation ends the format of what the server says of a foreign topic, which is its
// one argument (nats-server, client.go, pubPermissionViolation), and clientNumber is
// the client in it.
const violation = "Publish Violation - Subject %q"

var clientNumber = regexp.MustCompile(`\bmid[a-z_]*:(\d+)`)

// Errorf is what a client did wrong, or what failed.
func (l *serverLog) Errorf(format string, v ...any) {
	l.Warnf(format, v...)
	number := clientNumber.FindStringSubmatch(format)
	if !strings.HasSuffix(format, violation) || number == nil || len(v) != 1 {
		return
	}
	client, err := strconv.ParseUint(number[1], 10, 64)
	if err != nil {
		return
	}
	select {
	case l.foreign <- trespass{client, fmt.Sprintf("%s", v[0])}:
	default:
	}
}

// Fatalf is why the server does not start.
func (l *serverLog) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.died = errors.Join(l.died, fmt.Errorf("the server: "+format, v...))
}

// fatal is why the server did not start, or nil.
func (l *serverLog) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.died
}
