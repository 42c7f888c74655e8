package view

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Dump writes every table, by name, and every row of it, by key: one line each,
// in the literals of SQL. Two views of the same receipts have the same dump, whatever
// databases they are in.
//
// Errors: those of the database and of out.
func (v *View) Dump(ctx context.Context, out io.Writer) error {
	return v.Read(ctx, func(r *Reader) error {
		buffer := bufio.NewWriter(out)
		byName := func(a, b *table) int { return cmp.Compare(a.name, b.name) }
		for _, t := range slices.SortedFunc(slices.Values(tables), byName) {
			if err := r.dump(buffer, t); err != nil {
				return err
			}
		}
		return buffer.Flush()
	})
}

// Digest is the SHA-256 of the dump.
func (v *View) Digest(ctx context.Context) (digest [sha256.Size]byte, err error) {
	sum := sha256.New()
	err = v.Dump(ctx, sum)
	return [sha256.Size]byte(sum.Sum(nil)), err
}

// dump writes one table.
func (r *Reader) dump(out *bufio.Writer, t *table) error {
	if _, err := fmt.Fprintf(out, "%s\n", t.name); err != nil {
		return err
	}
	values := make([]any, len(t.columns))
	into := make([]any, len(t.columns))
	for i := range values {
		into[i] = &values[i]
	}
	var line []byte
	scan := func(rows *sql.Rows, _ *struct{}) error {
		line = line[:0]
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for i, v := range values {
			if i > 0 {
				line = append(line, ',')
			}
			line = literal(line, v)
		}
		return nil
	}
	query := "SELECT " + strings.Join(t.columns, ", ") + " FROM " + t.name + " ORDER BY " + strings.Join(t.key, ", ")
	return each(r, query, scan, func(struct{}) error {
		_, err := out.Write(append(line, '\n'))
		return err
	})
}

// literal appends a value as SQL writes it.
func literal(line []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(line, "NULL"...)
	case int64:
		return strconv.AppendInt(line, v, 10)
	case []byte:
		return fmt.Appendf(line, "X'%X'", v)
	case string:
		return fmt.Appendf(line, "'%s'", strings.ReplaceAll(v, "'", "''"))
	default:
		panic(fmt.Sprintf("view: a column of type %T", v))
	}
}
