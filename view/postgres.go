package view

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// postgres is a schema of a PostgreSQL database, which holds nothing but a view. Who
// writes has its advisory lock for as long as its connection lives, so that there is
// one at a time; others follow, and write when the lock is free.
type postgres struct {
	config  *pgx.ConnConfig // Of the writer.
	where   string          // For people to read.
	schema  string
	ddl     string
	version int64
	said    sync.Map // Queries, as PostgreSQL reads them.

	conn   *pgx.Conn // Of the writer; nil while there is none.
	holds  bool      // It has the lock.
	queued *pgx.Batch
}

// schemaDefault is the schema of an address that names none, with search_path.
const schemaDefault = "commonwatt"

// Bounds of a connection. A server that is cut off does not say so: silence for longer
// is taken for it.
const (
	connectFor = 5 * time.Second
	writeFor   = 2 * time.Minute // What Apply brings at once.
	silentFor  = 10 * time.Second
)

// Remote reports whether a path is the address of a PostgreSQL server.
func Remote(path string) bool {
	return strings.HasPrefix(path, "postgres://") || strings.HasPrefix(path, "postgresql://")
}

// Check says why an address cannot be used, without what is secret in it.
func Check(address string) error {
	_, _, err := parseAddress(address)
	return err
}

// addressForm is how an address is written.
const addressForm = "write it as in postgres://user@host:5432/database?sslmode=verify-full&search_path=" + schemaDefault

// parseAddress reads an address, and returns it as it may be shown.
func parseAddress(address string) (config *pgx.ConnConfig, shown string, err error) {
	u, err := url.Parse(address)
	if err != nil || !Remote(address) { // Its text would show the password.
		return nil, "", errors.New("this is not the address of a PostgreSQL server: " + addressForm + ", with special characters of a password as in %2F")
	}
	shown = hidden(u)
	if config, err = pgx.ParseConfig(address); err != nil {
		return nil, "", fmt.Errorf("the address %s cannot be used: %s", shown, addressForm)
	}
	params := config.RuntimeParams
	if params["search_path"] == "" {
		params["search_path"] = schemaDefault
	}
	if !plainName(params["search_path"]) {
		return nil, "", fmt.Errorf("search_path=%s: name one schema, with a-z, 0-9 and _", params["search_path"])
	}
	host, err := os.Hostname()
	if err != nil {
		host = "a machine without a name"
	}
	params["application_name"] = fmt.Sprintf("commonwatt on %.20s, process %d", host, os.Getpid())
	config.ConnectTimeout = connectFor
	config.DialFunc = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silentFor, Interval: silentFor / 5, Count: 5}}).DialContext
	return config, shown, nil
}

func openPostgres(address string) (*View, error) {
	config, shown, err := parseAddress(address)
	if err != nil {
		return nil, fmt.Errorf("view: %w", err)
	}
	p := &postgres{config: config.Copy(), where: shown, schema: config.RuntimeParams["search_path"], ddl: postgresTypes.Replace(schema)}
	p.config.RuntimeParams["synchronous_commit"] = "off" // As with the file: what is missing after a power cut, the feed brings again.
	p.version = schemaVersion(p.ddl)
	v := &View{db: p, writer: newWriter(p), read: stdlib.OpenDB(*config)}
	v.read.SetMaxOpenConns(readersMax)
	v.read.SetMaxIdleConns(readersMax)
	return v, nil
}

// hidden is an address without what is secret.
func hidden(u *url.URL) string {
	shown := *u
	if shown.User != nil {
		shown.User = url.User(shown.User.Username())
	}
	query := shown.Query()
	query.Del("password")
	query.Del("sslpassword")
	shown.RawQuery = query.Encode()
	return shown.String()
}

// plainName reports whether a schema needs no quotes.
func plainName(name string) bool {
	return len(name) < 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == "" && name[0] > '9'
}

// ready connects, takes the lock when it is free, and makes the schema where there is
// none.
func (p *postgres) ready() (int64, error) {
	if p.holds && p.conn != nil && !p.conn.IsClosed() {
		return -1, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeFor)
	defer cancel()
	height, err := p.prepare(ctx)
	if err != nil && !errors.Is(err, ErrFollows) {
		p.drop()
	}
	return height, err
}

func (p *postgres) prepare(ctx context.Context) (height int64, err error) {
	if p.conn == nil || p.conn.IsClosed() {
		p.drop()
		if p.conn, err = pgx.ConnectConfig(ctx, p.config); err != nil {
			return -1, p.failed(err)
		}
		p.queued = &pgx.Batch{}
	}
	if err := p.conn.QueryRow(ctx, "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", p.lock()).Scan(&p.holds); err != nil {
		return -1, p.failed(err)
	}
	if p.holds {
		if err := p.make(ctx); err != nil {
			return -1, p.failed(err)
		}
	}
	var version int64
	if err := p.conn.QueryRow(ctx, "SELECT version, (SELECT coalesce(max(height), 0) FROM block) FROM view").Scan(&version, &height); err != nil {
		return -1, p.failed(err)
	}
	if err := p.reads(version); err != nil {
		return -1, err
	}
	if !p.holds {
		return height, fmt.Errorf("view: %s: %w: %s", p.where, ErrFollows, p.holder(ctx))
	}
	return height, nil
}

// lock is what the advisory lock is the lock of.
func (p *postgres) lock() string { return "commonwatt view " + p.schema }

// holder says who has the lock.
func (p *postgres) holder(ctx context.Context) (who string) {
	err := p.conn.QueryRow(ctx, `SELECT a.application_name || coalesce(' at ' || host(a.client_addr), '')
		FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
		AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended($1, 0)`, p.lock()).Scan(&who)
	if err != nil {
		return "PostgreSQL does not say who"
	}
	return who
}

// reads refuses to read a view of another version.
func (p *postgres) reads(version int64) error {
	if version != p.version {
		return fmt.Errorf("view: %s: %w: a node of another version wrote it, and this one makes it anew when that one has stopped", p.where, ErrAway)
	}
	return nil
}

// make makes the tables, in the place of those of another version. A schema that holds
// anything else is not ours to touch.
func (p *postgres) make(ctx context.Context) error {
	tx, err := p.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // Of no use once it is committed.
	var exists bool
	if err := tx.QueryRow(ctx, "SELECT to_regnamespace($1) IS NOT NULL", p.schema).Scan(&exists); err != nil {
		return err
	}
	if !exists {
		if _, err := tx.Exec(ctx, "CREATE SCHEMA "+p.schema); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = $1", p.schema)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	var ours bool
	for _, name := range names {
		ours = ours || name == "view"
	}
	switch {
	case ours:
		var version int64
		if err := tx.QueryRow(ctx, "SELECT version FROM view").Scan(&version); err != nil || version == p.version {
			return err
		}
		for _, name := range names {
			if _, err := tx.Exec(ctx, "DROP TABLE "+pgx.Identifier{name}.Sanitize()); err != nil {
				return err
			}
		}
	case len(names) > 0:
		return fmt.Errorf("view: %s: the schema %s holds other tables: name an empty one, as in search_path=%s", p.where, p.schema, schemaDefault)
	}
	if _, err := tx.Exec(ctx, p.ddl+"CREATE TABLE view (version BIGINT NOT NULL);"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO view VALUES ($1)", p.version); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func (p *postgres) yield() { p.drop() }

// drop forgets the writer's connection, and with it the lock.
func (p *postgres) drop() {
	if p.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.conn.Close(ctx) // It is of no use any more.
	}
	p.conn, p.holds = nil, false
}

func (p *postgres) query(query string) string {
	if said, ok := p.said.Load(query); ok {
		return said.(string)
	}
	said := postgresQuery(query)
	p.said.Store(query, said)
	return said
}

// options make a transaction that sees one moment.
func (p *postgres) options() *sql.TxOptions {
	return &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
}

func (p *postgres) moment(r *Reader) error {
	var version int64
	if err := r.row("SELECT version FROM view").Scan(&version); err != nil {
		return err
	}
	return p.reads(version)
}

// failed says which errors time mends: a server that is not there, stops, starts, has no
// room, or has no tables yet. What it says of us does not go by itself.
func (p *postgres) failed(err error) error {
	var said *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case err == nil || errors.Is(err, ErrAway) || errors.Is(err, sql.ErrNoRows):
		return err
	case errors.As(err, &said):
		if !passes(said.Code) {
			return fmt.Errorf("view: %s: %w", p.where, err)
		}
	case errors.As(err, &connect), errors.As(err, &network), errors.Is(err, net.ErrClosed), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), pgconn.SafeToRetry(err):
	default:
		return err
	}
	return fmt.Errorf("view: %s: %w: %w", p.where, ErrAway, err)
}

// passes reports whether an error of PostgreSQL may be gone at the next try, by its
// SQLSTATE (PostgreSQL 15, appendix A).
func passes(code string) bool {
	switch code[:2] {
	case "08", "40", "53", "55", "57", "58", "XX": // Connection, conflict, resources, state, operator, system, damage.
		return true
	}
	return code == "42P01" || code == "3F000" // No such table or schema: not yet made, or deleted.
}

func (p *postgres) address() string { return p.where }

func (p *postgres) close() error {
	p.drop()
	return nil
}
