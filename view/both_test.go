package view

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/pgtest"
)

// server is the PostgreSQL server of this package's tests.
var server = sync.OnceValues(func() (*pgtest.Server, error) {
	s, err := pgtest.New()
	if err != nil {
		return nil, err
	}
	started = s
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return s, s.Start(ctx)
})

var (
	started *pgtest.Server
	schemas atomic.Int64
)

func TestMain(m *testing.M) {
	code := m.Run()
	if started != nil {
		if err := started.Remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// seeds is how many towns are compared: COMMONWATT_VIEW=N makes it N.
func seeds() uint64 {
	n, err := strconv.ParseUint(os.Getenv("COMMONWATT_VIEW"), 10, 32)
	if err != nil {
		return 2
	}
	return n
}

// both runs a test with a view in a file and with one in PostgreSQL: empty(t) and
// somewhere(t) are of the one whose turn it is.
func both(t *testing.T, f func(*testing.T)) {
	t.Run("sqlite", f)
	t.Run("postgres", func(t *testing.T) {
		running(t)
		f(t)
	})
}

// running is the server, or skips the test.
func running(t testing.TB) *pgtest.Server {
	t.Helper()
	s, err := server()
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// somewhere is where a view may be opened that nobody else has.
func somewhere(t testing.TB) string {
	t.Helper()
	if strings.Contains(t.Name(), "/postgres") {
		return running(t).Address(fmt.Sprintf("test%d", schemas.Add(1)))
	}
	return filepath.Join(t.TempDir(), "a view?.sqlite")
}

// catalog is the tables that a database has, by its own account.
func catalog(t *testing.T, r *Reader) []string {
	t.Helper()
	query := "SELECT name FROM sqlite_schema WHERE type = 'table'"
	if Remote(r.db.address()) {
		query = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'view'"
	}
	names, err := list(r, query, scanText)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// age makes a closed view one of an earlier version, which lacks a table.
func age(t *testing.T, path string) {
	t.Helper()
	driver, source, statements := "sqlite", source(path, ""), "PRAGMA user_version = 1; DROP TABLE block"
	if Remote(path) {
		driver, source, statements = "pgx", path, "UPDATE view SET version = 1; DROP TABLE block"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	for statement := range strings.SplitSeq(statements, ";") {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}
