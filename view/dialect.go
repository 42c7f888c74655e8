package view

import (
	_ "embed" // The schema.
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

//go:embed schema.sql
var schema string

// Schema and queries are written once, in the SQL that SQLite and PostgreSQL share.
// This file is all that is said differently to the two: the names of types, and how
// a parameter is written.

// table is one of the schema's, as both databases have it.
type table struct {
	name    string
	columns []string
	key     []string
}

var (
	tableText = regexp.MustCompile(`(?s)CREATE TABLE (\w+) \(\n(.*?)\n\) STRICT`)
	keyText   = regexp.MustCompile(`^PRIMARY KEY \((.*)\)`)
)

// tables are those of the schema, by name in the order of the schema.
var tables = tablesOf(schema)

func tablesOf(schema string) (list []*table) {
	for _, text := range tableText.FindAllStringSubmatch(schema, -1) {
		t := &table{name: text[1]}
		for line := range strings.SplitSeq(text[2], "\n") {
			line = strings.TrimSpace(line)
			if key := keyText.FindStringSubmatch(line); key != nil {
				t.key = strings.Split(key[1], ", ")
				continue
			}
			name, rest, _ := strings.Cut(line, " ")
			t.columns = append(t.columns, name)
			if strings.Contains(rest, "PRIMARY KEY") {
				t.key = []string{name}
			}
		}
		list = append(list, t)
	}
	return list
}

func tableOf(name string) *table {
	for _, t := range tables {
		if t.name == name {
			return t
		}
	}
	panic(fmt.Sprintf("view: the schema has no table %s", name))
}

// upsert is the statement that inserts a row, or takes the place of the one with its
// key.
func (t *table) upsert() string {
	set := make([]string, len(t.columns))
	for i, c := range t.columns {
		set[i] = c + " = excluded." + c
	}
	return t.insert(1) + " ON CONFLICT (" + strings.Join(t.key, ", ") + ") DO UPDATE SET " + strings.Join(set, ", ")
}

// insert is the statement that inserts so many rows.
func (t *table) insert(rows int) string {
	row := "(" + strings.Repeat("?,", len(t.columns)-1) + "?)"
	return "INSERT INTO " + t.name + " VALUES " + strings.Repeat(row+",", rows-1) + row
}

// plain makes values such that both databases keep them, and give them back, the
// same: no truth, which PostgreSQL keeps apart from numbers; no NULL for no bytes; and
// no NUL in a text, which PostgreSQL refuses and nobody can read.
func plain(values []any) []any {
	for i, v := range values {
		switch v := v.(type) {
		case bool:
			values[i] = flag(v)
		case []byte:
			values[i] = blob(v)
		case string:
			values[i] = strings.ReplaceAll(v, "\x00", "\uFFFD")
		}
	}
	return values
}

// postgresTypes says the schema to PostgreSQL. Texts are in the order of their bytes,
// as SQLite has them.
var postgresTypes = strings.NewReplacer(
	" INTEGER", " BIGINT", " BLOB ", " BYTEA ", " TEXT ", ` TEXT COLLATE "C" `,
	") STRICT, WITHOUT ROWID;", ");", ") STRICT;", ");",
)

// postgresQuery says a query to PostgreSQL, which numbers its parameters. CROSS JOIN
// tells SQLite in which order to look; PostgreSQL finds that by itself.
func postgresQuery(query string) string {
	var b strings.Builder
	count := 0
	for i, part := range strings.Split(strings.ReplaceAll(query, "CROSS JOIN", "JOIN"), "?") {
		if i > 0 {
			b.WriteByte('$')
			if part == "" || part[0] < '0' || part[0] > '9' {
				count++
				b.WriteString(strconv.Itoa(count))
			}
		}
		b.WriteString(part)
	}
	return b.String()
}
