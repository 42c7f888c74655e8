package chain

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
)

// line is a connection between a node and its validator's signer: encrypted, and each
// end knows the other by its key (CometBFT's SecretConnection).
type line struct {
	net.Conn
	closed sync.Once
}

// strangerError is another key than the one that was to be at the other end.
type strangerError struct {
	at       net.Addr
	got, not p2p.ID
}

// Error says who is there.
func (e *strangerError) Error() string {
	return fmt.Sprintf("at %s is %s, and not %s", e.at, e.got, e.not)
}

// secure makes a connection a line to one peer, and closes it where somebody else is at
// the other end.
//
// Errors: *strangerError; those of the network.
func secure(c net.Conn, own crypto.PrivKey, peer p2p.ID) (*line, error) {
	secret, err := greet(c, own, peer)
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &line{Conn: secret}, nil
}

func greet(c net.Conn, own crypto.PrivKey, peer p2p.ID) (*conn.SecretConnection, error) {
	if err := c.SetDeadline(time.Now().Add(greetTimeout)); err != nil {
		return nil, err
	}
	secret, err := conn.MakeSecretConnection(c, own)
	if err != nil {
		return nil, err
	}
	if id := p2p.PubKeyToID(secret.RemotePubKey()); id != peer {
		return nil, &strangerError{c.RemoteAddr(), id, peer}
	}
	return secret, c.SetDeadline(time.Time{})
}

// Read closes a line that fails: what is read after half a frame is noise.
func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	if err != nil {
		return n, lost{errors.Join(err, l.Close())}
	}
	return n, nil
}

// Close closes the line; again does nothing.
func (l *line) Close() (err error) {
	l.closed.Do(func() { err = l.Conn.Close() })
	return err
}

// lost is the end of a line. CometBFT's signer drops a connection over a timeout only,
// and reads the end of any other again and again.
type lost struct{ error }

// Timeout makes CometBFT drop the connection.
func (lost) Timeout() bool { return true }

// Unwrap is why.
func (l lost) Unwrap() error { return l.error }

// idAt takes ID@HOST:PORT apart.
func idAt(text string) (id p2p.ID, address string) {
	name, address, _ := strings.Cut(text, "@")
	return p2p.ID(name), address
}
