package view

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
)

// What is sent to PostgreSQL at once: it is the way there and back that takes time.
const (
	queueMax = 1 << 9  // Statements whose answers nobody waits for.
	copyMax  = 1 << 12 // Rows of a table.
	copyMin  = 1 << 6  // From so many on, COPY is faster than statements.
)

// during runs f with the connection, which an error that may pass ends: the next Ready
// makes another one, and reads where the view stands, since nobody knows whether a commit
// that was not answered took place.
func (p *postgres) during(f func(context.Context) error) error {
	if p.conn == nil {
		return ErrAway
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeFor)
	defer cancel()
	err := p.failed(f(ctx))
	if errors.Is(err, ErrAway) || p.conn.IsClosed() {
		p.drop()
	}
	return err
}

func (p *postgres) begin() error {
	if !p.holds {
		return ErrFollows
	}
	p.queued = &pgx.Batch{}
	return p.exec("BEGIN", nil)
}

func (p *postgres) commit() error {
	if err := p.exec("COMMIT", nil); err != nil {
		return err
	}
	return p.during(p.send)
}

func (p *postgres) undo() error {
	p.queued = &pgx.Batch{}
	if p.conn == nil { // The server undoes what it did not commit.
		return nil
	}
	return p.during(func(ctx context.Context) error {
		_, err := p.conn.Exec(ctx, "ROLLBACK")
		return err
	})
}

// exec queues a statement.
func (p *postgres) exec(query string, args []any) error {
	p.queued.Queue(p.query(query), slices.Clone(args)...)
	if p.queued.Len() < queueMax {
		return nil
	}
	return p.during(p.send)
}

// send sends what is queued.
func (p *postgres) send(ctx context.Context) error {
	if p.queued.Len() == 0 {
		return nil
	}
	queued := p.queued
	p.queued = &pgx.Batch{}
	return p.conn.SendBatch(ctx, queued).Close()
}

func (p *postgres) row(query string, args []any, into []any) error {
	return p.during(func(ctx context.Context) error {
		if err := p.send(ctx); err != nil {
			return err
		}
		return p.conn.QueryRow(ctx, p.query(query), args...).Scan(into...)
	})
}

func (p *postgres) insert(t *table, args []any) error {
	if len(args) < copyMin*len(t.columns) {
		query := t.insert(1)
		for row := range slices.Chunk(args, len(t.columns)) {
			if err := p.exec(query, row); err != nil {
				return err
			}
		}
		return nil
	}
	rows := slices.Collect(slices.Chunk(args, len(t.columns)))
	return p.during(func(ctx context.Context) error {
		if err := p.send(ctx); err != nil {
			return err
		}
		_, err := p.conn.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(rows))
		return err
	})
}

func (p *postgres) batch() int { return copyMax }
