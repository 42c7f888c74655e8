package view

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io"
)

// Dump writes every table, by name, and every row of it, by key: one line each,
// in the literals of SQL. Two views of the same receipts have the same dump.
//
// Errors: those of the disk and of out.
func (v *View) Dump(ctx context.Context, out io.Writer) error {
	return v.Read(ctx, func(r *Reader) error {
		tables, err := list(r, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", scanText)
		if err != nil {
			return err
		}
		buffer := bufio.NewWriter(out)
		for _, table := range tables {
			if err := r.dump(buffer, table); err != nil {
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
func (r *Reader) dump(out *bufio.Writer, table string) error {
	columns, err := list(r, "SELECT name FROM pragma_table_info(?) ORDER BY cid", scanText, table)
	if err != nil {
		return err
	}
	keys, err := list(r, "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", scanText, table)
	if err != nil {
		return err
	}
	var line, order string
	for i, c := range columns {
		if i > 0 {
			line += " || ',' || "
		}
		line += "quote(" + c + ")"
	}
	for i, k := range keys {
		if i > 0 {
			order += ", "
		}
		order += k
	}
	if _, err := fmt.Fprintf(out, "%s\n", table); err != nil {
		return err
	}
	return each(r, "SELECT "+line+" FROM "+table+" ORDER BY "+order, scanText, func(row string) error {
		_, err := fmt.Fprintf(out, "%s\n", row)
		return err
	})
}

func scanText(rows *sql.Rows, s *string) error { return rows.Scan(s) }
