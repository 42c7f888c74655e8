//go:build unix

// Package pgtest starts PostgreSQL servers for tests.
//
// Its promise: each is a real one, of the machine's own package, in a temporary folder
// that goes with it, on a socket in there and on no network; where the machine has none,
// it says so, and nothing else is taken in its place.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// ErrMissing means that the machine has no PostgreSQL, so that who needs it is skipped.
var ErrMissing = errors.New("no PostgreSQL on this machine: install Debian's package postgresql")

// Server is a server, running or stopped.
type Server struct {
	dir     string
	bin     string
	account *syscall.Credential // nil: whoever runs the test.
	process *exec.Cmd
}

// New makes a server that does not run yet.
//
// Errors: ErrMissing; what initdb says.
func New() (s *Server, err error) {
	s = &Server{}
	if s.bin, err = binaries(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "pg-"); err != nil {
		return nil, err
	}
	if err := s.make(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// binaries is the folder of the server's programs, the newest there is.
func binaries() (string, error) {
	if list, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); err == nil && len(list) > 0 {
		return filepath.Dir(list[len(list)-1]), nil
	}
	path, err := exec.LookPath("initdb")
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", ErrMissing
	}
	return filepath.Dir(path), nil
}

func (s *Server) make() error {
	if os.Geteuid() == 0 { // Which PostgreSQL does not run as.
		if err := s.giveAway(); err != nil {
			return err
		}
	}
	out, err := s.command("initdb", "--pgdata", s.data(), "--username", "commonwatt", "--auth", "trust", "--no-sync", "--encoding", "UTF8", "--locale", "C.UTF-8").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// giveAway makes the folder that of an account which is not root.
func (s *Server) giveAway() error {
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, int(uid), int(gid))
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.account}
	return cmd
}

// Start starts the server and returns when it answers.
func (s *Server) Start(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.process = s.command("postgres", "-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=32MB")
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		return err
	}
	for {
		ready := s.command("pg_isready", "--host", s.dir, "--quiet")
		if ready.Run() == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("the server does not answer: %s: %w", text, errors.Join(context.Cause(ctx), s.Stop()))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop stops the server as an operator does who does not wait for those connected.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Kill ends it as a power cut would.
func (s *Server) Kill() error { return s.end(syscall.SIGQUIT) }

func (s *Server) end(signal os.Signal) error {
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Signal(signal)
	var exit *exec.ExitError
	if wait := s.process.Wait(); !errors.As(wait, &exit) {
		err = errors.Join(err, wait)
	}
	s.process = nil
	return err
}

// Address is that of a schema, with a password that nobody asks for.
func (s *Server) Address(schema string) string {
	return "postgres://commonwatt:" + Password + "@/postgres?host=" + s.dir + "&search_path=" + schema
}

// Password is the one in addresses, to be looked for where it must not be.
const Password = "s3cret-of-the-database"

// SQL runs statements, as an operator would with psql, and returns what it prints.
func (s *Server) SQL(statements string) (string, error) {
	out, err := s.command("psql", "--host", s.dir, "--username", "commonwatt", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align",
		"--set", "ON_ERROR_STOP=1", "--command", statements, "postgres").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, out)
	}
	return string(out), nil
}

// Remove stops the server and deletes what it kept.
func (s *Server) Remove() error { return errors.Join(s.Stop(), os.RemoveAll(s.dir)) }
