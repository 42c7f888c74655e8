package state

import "testing"

// TestWhole puts the row of a table that has one, and finds it alone.
func TestWhole(t *testing.T) {
	rows := NewOverlay(NewMemory())
	table := NewTable[Whole, struct {
		Value int64 `cbor:"1,keyasint"`
	}]("test.whole")
	row, _ := table.Get(rows, Whole{})
	row.Value = 7
	table.Put(rows, Whole{}, row)
	count := 0
	for key, got := range table.All(rows) {
		if count++; key != (Whole{}) || got.Value != 7 {
			t.Errorf("found %v, %v", key, got)
		}
	}
	if count != 1 {
		t.Errorf("found %d rows, want one", count)
	}
}
