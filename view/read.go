package view

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Reader asks the view as it stood when the reader began.
type Reader struct {
	ctx context.Context
	tx  *sql.Tx
	db  database
}

// Read runs f over the view as it stands now; blocks that come meanwhile do not
// change what f sees. The reader is good until f returns.
//
// Errors: those of f, of the disk and of the context; ErrAway.
func (v *View) Read(ctx context.Context, f func(*Reader) error) (err error) {
	tx, err := v.read.BeginTx(ctx, v.db.options())
	if err != nil {
		return fmt.Errorf("view: %w", v.db.failed(err))
	}
	defer func() {
		if end := tx.Rollback(); !errors.Is(end, sql.ErrTxDone) {
			err = errors.Join(err, end)
		}
	}()
	r := &Reader{ctx, tx, v.db}
	if err = v.db.moment(r); err == nil {
		err = f(r)
	}
	return v.db.failed(err)
}

// row asks for one row.
func (r *Reader) row(query string, args ...any) *sql.Row {
	return r.tx.QueryRowContext(r.ctx, r.db.query(query), args...)
}

// each yields the rows of a query.
func each[T any](r *Reader, query string, scan func(*sql.Rows, *T) error, yield func(T) error, args ...any) (err error) {
	rows, err := r.tx.QueryContext(r.ctx, r.db.query(query), args...)
	if err != nil {
		return fmt.Errorf("view: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var row T
		if err := scan(rows, &row); err != nil {
			return fmt.Errorf("view: %w", err)
		}
		if err := yield(row); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("view: %w", err)
	}
	return nil
}

// list returns the rows of a query that gives few.
func list[T any](r *Reader, query string, scan func(*sql.Rows, *T) error, args ...any) (all []T, err error) {
	err = each(r, query, scan, func(row T) error {
		all = append(all, row)
		return nil
	}, args...)
	return all, err
}
