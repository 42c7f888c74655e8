package view

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/pgtest"
	"github.com/commonwatt/commonwatt/tx"
)

// remote is a view in PostgreSQL that nobody writes yet.
func remote(t *testing.T, path string) *View {
	t.Helper()
	v, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// schemaName is a schema that no other test has.
func schemaName() string { return fmt.Sprintf("test%d", schemas.Add(1)) }

// Two databases hold the same rows of the same blocks, and answer every question the
// same: each method of a reader is asked, with what the town has.
func TestPostgresIsTheSame(t *testing.T) {
	s := running(t)
	for seed := range seeds() {
		w := lived(t, seed)
		file, there := fed(t, w.records, 5), remote(t, s.Address(schemaName()))
		if err := there.Ready(); err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(w.records); at += 3 {
			if err := there.Apply(w.records[at:min(at+3, len(w.records))]); err != nil {
				t.Fatal(err)
			}
		}
		if dump(t, file) != dump(t, there) {
			t.Fatalf("seed %d: PostgreSQL has other rows than SQLite", seed)
		}
		asked, given := questions(t, file), questions(t, there)
		for name, want := range asked {
			if given[name] != want {
				t.Errorf("seed %d: %s: PostgreSQL says %.300s, SQLite %.300s", seed, name, given[name], want)
			}
			if strings.HasSuffix(want, "[]") || want == "" {
				t.Errorf("seed %d: %s is asked nothing that has an answer: %s", seed, name, want)
			}
		}
	}
}

// questions asks a reader everything, and returns what it says by the name of the method.
func questions(t *testing.T, v *View) map[string]string {
	t.Helper()
	said := map[string]string{}
	read(t, v, func(r *Reader) error {
		microgrids, err := r.Microgrids()
		if err != nil {
			return err
		}
		lot := certificate.LotID{Microgrid: town1, Start: noon + 14*hour, Device: panels}
		args := map[reflect.Type][]any{ // What is asked with, of each type.
			reflect.TypeFor[grid.MicrogridID]():  {town1},
			reflect.TypeFor[Microgrid]():         {microgrids[0]},
			reflect.TypeFor[tx.AccountID]():      {ann, bob, cem, operator},
			reflect.TypeFor[grid.PointID]():      {grid.PointID(ann), grid.PointID(bob)},
			reflect.TypeFor[grid.ZoneID]():       {grid.ZoneID(1), grid.ZoneID(2)},
			reflect.TypeFor[Period]():            {Period{0, 1 << 40}},
			reflect.TypeFor[interval.Time]():     {noon, noon + 14*hour},
			reflect.TypeFor[grid.Device]():       {grid.Device{Microgrid: town1, Device: grid.DeviceID(bob)}, grid.Device{Microgrid: town1, Device: panels}},
			reflect.TypeFor[certificate.LotID](): {lot},
			reflect.TypeFor[int64]():             {int64(1 << 40)},
			reflect.TypeFor[int]():               {100},
			reflect.TypeFor[[]byte]():            {make([]byte, 32)},
			reflect.TypeFor[tx.ID]():             {tx.ID{}},
			reflect.TypeFor[ledger.AssetID]():    {euro},
		}
		reader := reflect.ValueOf(r)
		for i := range reader.NumMethod() {
			name := reader.Type().Method(i).Name
			said[name] = strings.Join(ask(t, name, reader.Method(i), nil, args), "; ")
		}
		return nil
	})
	return said
}

// ask calls a method with every combination of arguments, and returns what it said.
func ask(t *testing.T, name string, method reflect.Value, given []reflect.Value, args map[reflect.Type][]any) (said []string) {
	t.Helper()
	if n := len(given); n < method.Type().NumIn() {
		kind := method.Type().In(n)
		if kind.Kind() == reflect.Func {
			return append(said, ask(t, name, method, append(given, reflect.Value{}), args)...)
		}
		if args[kind] == nil {
			t.Fatalf("%s takes a %v, of which the test has none", name, kind)
		}
		for _, a := range args[kind] {
			said = append(said, ask(t, name, method, append(given[:n:n], reflect.ValueOf(a)), args)...)
		}
		return said
	}
	var text strings.Builder
	for i, g := range given {
		if !g.IsValid() { // What is yielded is written down.
			kind := method.Type().In(i)
			given[i] = reflect.MakeFunc(kind, func(yielded []reflect.Value) []reflect.Value {
				for _, y := range yielded {
					fmt.Fprintf(&text, "%+v ", y.Interface())
				}
				return []reflect.Value{reflect.Zero(kind.Out(0))}
			})
		}
	}
	for _, out := range method.Call(given) {
		if err, failed := reflect.TypeAssert[error](out); failed {
			t.Fatalf("%s: %v", name, err)
		}
		fmt.Fprintf(&text, "%+v ", out.Interface())
	}
	return []string{strings.TrimSpace(text.String())}
}

// One node writes, and others read what it wrote; they know who it is, and the next one
// writes when it ends.
func TestOneWrites(t *testing.T) {
	s, w := running(t), lived(t, 1)
	address := s.Address(schemaName())
	first, second := remote(t, address), remote(t, address)
	if err := first.Ready(); err != nil {
		t.Fatal(err)
	}
	if err := first.Apply(w.records[:9]); err != nil {
		t.Fatal(err)
	}
	err := second.Ready()
	if !errors.Is(err, ErrFollows) || !strings.Contains(err.Error(), "commonwatt on ") || second.Height() != 9 {
		t.Errorf("the second is at %d: %v", second.Height(), err)
	}
	if err := second.Apply(w.records[9:10]); !errors.Is(err, ErrFollows) || second.Height() != 9 {
		t.Errorf("the second wrote, too: %v", err)
	}
	if dump(t, first) != dump(t, second) {
		t.Error("the second does not show what the first wrote")
	}
	if same, err := second.Shows(t.Context(), w.records[8]); err != nil || !same {
		t.Errorf("a block that it shows is not the ledger's: %v", err)
	}
	other := w.records[8]
	other.Time++
	if same, err := second.Shows(t.Context(), other); err != nil || same {
		t.Errorf("a block of another ledger is the same: %v", err)
	}
	if err := first.db.close(); err != nil {
		t.Fatal(err)
	}
	for err = second.Ready(); errors.Is(err, ErrFollows); err = second.Ready() { // PostgreSQL frees the lock soon.
	}
	if err != nil || second.Apply(w.records[9:]) != nil {
		t.Errorf("the second does not go on: %v", err)
	}
	if dump(t, second) != dump(t, fed(t, w.records, 20)) {
		t.Error("what two wrote one after the other is not what one writes")
	}
}

// A server that stops, or is killed within a transaction, is waited for; then the view
// goes on from what it shows, whatever was lost.
func TestServerGoesAway(t *testing.T) {
	s, err := pgtest.New()
	if errors.Is(err, pgtest.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := lived(t, 2)
	v := remote(t, s.Address("away"))
	if err := v.Ready(); err != nil {
		t.Fatal(err)
	}
	ends := []func() error{s.Stop, s.Kill}
	for at := 0; at < len(w.records); at = int(v.Height()) {
		if len(ends) > 0 && at >= 8*(3-len(ends)) {
			if err := ends[0](); err != nil {
				t.Fatal(err)
			}
			ends = ends[1:]
			if err := v.Apply(w.records[at : at+1]); !errors.Is(err, ErrAway) {
				t.Fatalf("without a server: %v", err)
			}
			if err := v.Ready(); !errors.Is(err, ErrAway) || strings.Contains(err.Error(), pgtest.Password) {
				t.Fatalf("without a server: %v", err)
			}
			if err := v.Read(t.Context(), func(*Reader) error { return nil }); !errors.Is(err, ErrAway) {
				t.Fatalf("a read without a server: %v", err)
			}
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := v.Ready(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := v.Apply(w.records[at : at+1]); err != nil {
			t.Fatal(err)
		}
	}
	if len(ends) > 0 || dump(t, v) != dump(t, fed(t, w.records, 20)) {
		t.Error("after the server came back the view is another one")
	}
	if _, err := s.SQL("DROP SCHEMA away CASCADE; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'commonwatt%'"); err != nil {
		t.Fatal(err)
	}
	if err := v.Apply(w.records[:1]); !errors.Is(err, ErrAway) {
		t.Errorf("into a schema that is gone: %v", err)
	}
	if err := v.Ready(); err != nil || v.Height() != 0 {
		t.Errorf("a schema that was dropped is at %d, %v", v.Height(), err)
	}
	if err := v.Apply(w.records); err != nil || dump(t, v) != dump(t, fed(t, w.records, 20)) {
		t.Errorf("dropped and fed again it is another one: %v", err)
	}
}

// A schema that holds something else stays as it is.
func TestSchemaOfSomebodyElse(t *testing.T) {
	s, name := running(t), schemaName()
	if _, err := s.SQL("CREATE SCHEMA " + name + "; CREATE TABLE " + name + ".theirs (x INT)"); err != nil {
		t.Fatal(err)
	}
	v := remote(t, s.Address(name))
	if err := v.Ready(); err == nil || errors.Is(err, ErrAway) || !strings.Contains(err.Error(), "other tables") {
		t.Errorf("a schema with other tables: %v", err)
	}
	if _, err := s.SQL("SELECT * FROM " + name + ".theirs"); err != nil {
		t.Error(err)
	}
}

// What is wrong with an address is said, and never its password.
func TestAddresses(t *testing.T) {
	const secret = "hunter2"
	for _, address := range []string{
		"postgres://u:" + secret + "%zz@h/d", "postgres://u:" + secret + "@h:port/d", "postgres://u:" + secret + "@h/d?search_path=a,b",
		"postgres://u:" + secret + "@h/d?sslmode=maybe", "postgres://h/d?password=" + secret + "&connect_timeout=x", "postgres://u:" + secret + "@[h/d", "mysql://u:" + secret + "@h/d",
		"postgres://u:" + secret + "@h/d?search_path=1a", "postgres://u:" + secret + "@h/d?sslrootcert=/no/such/file&sslmode=verify-ca&password=" + secret,
	} {
		err := Check(address)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", address, err)
		}
	}
	v := remote(t, "postgres://u:"+secret+"@127.0.0.1:1/d?sslmode=disable&password="+secret)
	err := v.Ready()
	if !errors.Is(err, ErrAway) || strings.Contains(err.Error()+v.Address(), secret) || !strings.Contains(v.Address(), "u@127.0.0.1:1/d") {
		t.Errorf("%s: %v", v.Address(), err)
	}
}

// The queries that PostgreSQL reads are those of SQLite with other parameters.
func TestPostgresQuery(t *testing.T) {
	for query, want := range map[string]string{
		"SELECT 1":                      "SELECT 1",
		"a = ? AND b IN (?,?) LIMIT ?":  "a = $1 AND b IN ($2,$3) LIMIT $4",
		"holder = ?1 OR taker = ?1":     "holder = $1 OR taker = $1",
		"FROM a CROSS JOIN b USING (c)": "FROM a JOIN b USING (c)",
	} {
		if got := postgresQuery(query); got != want {
			t.Errorf("%s becomes %s", query, got)
		}
	}
	if ddl := postgresTypes.Replace(schema); strings.Contains(ddl, "STRICT,") || strings.Contains(ddl, ") STRICT") || strings.Contains(ddl, " INTEGER") || strings.Contains(ddl, "BLOB") || strings.Contains(ddl, "TEXT   ") {
		t.Error(ddl)
	}
}

// Texts with a NUL, which the ledger takes, are the same in both.
func TestTextWithNUL(t *testing.T) {
	both(t, func(t *testing.T) {
		w := found(t)
		w.block(operator, ledger.DefineKind.Encode(ledger.Define{Asset: 1, Symbol: "A\x00'B", Decimals: 2}))
		if text := dump(t, fed(t, w.records, 2)); !strings.Contains(text, "1,'A\uFFFD''B',2,") {
			t.Error("the symbol is not in the dump")
		}
	})
}

// TestLargeAndSmallBlocks feeds blocks of any size, so that rows go by statements, by
// several queues of them and by COPY.
func TestLargeAndSmallBlocks(t *testing.T) {
	file, there := empty(t), remote(t, running(t).Address(schemaName()))
	if err := there.Ready(); err != nil {
		t.Fatal(err)
	}
	for at, size := range []int{0, 1, copyMin - 1, copyMin, queueMax, copyMax, copyMax + copyMin/2} {
		block := machine.Record{Height: int64(at) + 1, Outcomes: make([]machine.Outcome, size)}
		for i := range block.Outcomes {
			block.Outcomes[i] = machine.Outcome{ID: []byte{byte(i)}, Account: tx.AccountID(i) << 60, Nonce: uint64(i)}
		}
		if err := errors.Join(file.Apply([]machine.Record{block}), there.Apply([]machine.Record{block})); err != nil {
			t.Fatal(err)
		}
	}
	if dump(t, file) != dump(t, there) {
		t.Error("the rows are not the same")
	}
}
