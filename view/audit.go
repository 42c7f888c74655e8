package view

import (
	"database/sql"
	"errors"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// Block is a block as the view knows it.
type Block struct {
	Height    int64
	Time      interval.Time
	Envelopes int64 // And closes.
	Refused   int64
}

func scanBlock(rows *sql.Rows, b *Block) error {
	return rows.Scan(&b.Height, &b.Time, &b.Envelopes, &b.Refused)
}

// Blocks returns the blocks below a height, the highest first.
func (r *Reader) Blocks(below int64, most int) ([]Block, error) {
	return list(r, "SELECT height, time, envelopes, refused FROM block WHERE height < ? ORDER BY height DESC LIMIT ?", scanBlock, below, most)
}

// Place is where an envelope stands.
type Place struct {
	Height   int64
	Position int
}

// Find returns where the envelope with an id stands, and whether there is one. It
// looks at every envelope: see schema.sql for why there is no index.
func (r *Reader) Find(envelope tx.ID) (p Place, ok bool, err error) {
	err = r.row("SELECT height, position FROM envelope WHERE id = ?", envelope[:]).Scan(&p.Height, &p.Position)
	if errors.Is(err, sql.ErrNoRows) {
		return p, false, nil
	}
	return p, err == nil, err
}
