package cluster

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// childPlace, when set, makes this test binary a node: where it runs, as JSON.
const childPlace = "COMMONWATT_CLUSTER_NODE"

// place is where a node runs.
type place struct {
	Dir, Listen string
	Peers       []string
	Once        bool   // Open, close and verify, in place of serving.
	Lies        bool   // Propose what no block may hold.
	Rules       uint32 // The newest that it knows; 0: all.
}

func TestMain(m *testing.M) {
	if text := os.Getenv(childPlace); text != "" {
		var p place
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			panic(err)
		}
		switch {
		case p.Once:
			os.Exit(once(p))
		case p.Lies:
			os.Exit(mislead(p))
		}
		os.Exit(serve(p))
	}
	os.Exit(m.Run())
}

// Exit codes of a node's process.
const (
	exitClosed  = 0 // As it was told to.
	exitRefused = 3 // It did not come up, and said why.
	exitStopped = 4 // It stopped by itself, and said why.
	exitUnclean = 5 // It was told to close, and could not.
	exitUnsound = 6 // What it closed does not verify.
)

// once opens a node, closes it and verifies what it closed.
func once(p place) int {
	n, err := node.Open(node.Config{Dir: p.Dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println("stop", strings.ReplaceAll(err.Error(), "\n", " "))
		return exitRefused
	}
	at := n.Height()
	if err := n.Close(); err != nil {
		fmt.Println("stop", strings.ReplaceAll(err.Error(), "\n", " "))
		return exitUnclean
	}
	if _, err := node.Verify(context.Background(), p.Dir, func(int64, int64) {}); err != nil {
		fmt.Println("stop", strings.ReplaceAll(err.Error(), "\n", " "))
		return exitUnsound
	}
	fmt.Println("at", at)
	return exitClosed
}

// sayer says lines to whoever started the process, from any goroutine.
func sayer() func(words ...any) {
	var out sync.Mutex
	return func(words ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(words...)
	}
}

// told is the lines that the process is told: a word, and what follows it.
func told() iter.Seq2[string, string] {
	return func(yield func(word, rest string) bool) {
		in := bufio.NewScanner(os.Stdin)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			if word, rest, _ := strings.Cut(in.Text(), " "); !yield(word, rest) {
				return
			}
		}
	}
}

// serve runs a node that is told what to do by lines, and answers by lines:
//
//	send HEX   ack NONCE ACCOUNT CODE, once a block holds the envelope, or no REASON
//	state      at HEIGHT APPHASH
//	close      and the process ends
//
// What stops it, or keeps it from coming up, it writes in a line "stop REASON".
func serve(p place) int {
	say := sayer()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	n, err := node.Open(node.Config{
		Dir: p.Dir, Log: log, RulesNewest: p.Rules, Settings: node.Settings{Listen: p.Listen, Peers: p.Peers},
	})
	if err != nil {
		say("stop", strings.ReplaceAll(err.Error(), "\n", " "))
		return exitRefused
	}
	say("up")
	go func() {
		<-n.Done()
		if err := n.Err(); !errors.Is(err, node.ErrClosed) {
			say("stop", strings.ReplaceAll(err.Error(), "\n", " "))
			os.Exit(exitStopped)
		}
	}()
	for word, rest := range told() {
		switch word {
		case "send":
			send(n, rest, say)
		case "state":
			n.Read(func(_ state.Reader, head machine.Head) { say("at", head.Height, fmt.Sprintf("%x", head.AppHash())) })
		case "close":
			if err := n.Close(); err != nil {
				say("stop", err)
				return exitUnclean
			}
			return exitClosed
		}
	}
	return exitUnclean
}

// send hands an envelope in and answers when there is an answer.
func send(n *node.Node, text string, say func(...any)) {
	raw, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	e, err := tx.Decode(raw)
	if err != nil {
		panic(err)
	}
	ticket, err := n.Send(context.Background(), raw)
	if err != nil {
		say("no", e.Body.Nonce, err)
		return
	}
	go func() {
		o, err := ticket.Wait(context.Background())
		switch no := (*op.Refusal)(nil); {
		case errors.As(err, &no):
			say("ack", e.Body.Nonce, e.Body.Account, no.Code)
		case err != nil:
			say("no", e.Body.Nonce, err)
		default:
			say("ack", e.Body.Nonce, e.Body.Account, o.Code)
		}
	}()
}
