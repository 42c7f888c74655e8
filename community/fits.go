package community

import (
	"fmt"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/state"
)

// Fits says why a ledger cannot become what the file describes: it is another
// community's, or the file changes what was fixed when the ledger began.
func (c *Community) Fits(rows state.Reader) error {
	m, ok := grid.At(rows, c.Microgrid())
	if !ok {
		for id := range grid.All(rows) {
			return fmt.Errorf("the folder holds the ledger of another community (microgrid %d): the name in the community file may not change; set it back, or name another folder", id)
		}
		return nil
	}
	asset, _ := ledger.AssetAt(rows, m.Currency)
	what := ""
	switch {
	case m.Length != c.Length:
		what = fmt.Sprintf("interval_minutes is %d, the ledger settles %d minutes", c.Length/60, m.Length/60)
	case m.Currency != c.CurrencyID():
		what = fmt.Sprintf("currency is %s, the ledger counts in %s", c.Currency, asset.Symbol)
	case int(asset.Decimals) != c.Decimals:
		what = fmt.Sprintf("decimals is %d, the ledger's %s has %d", c.Decimals, asset.Symbol, asset.Decimals)
	case int64(m.Correction) != int64(c.CorrectionDays)*24*3600:
		what = fmt.Sprintf("correction_days is %d, the ledger corrects for %d", c.CorrectionDays, m.Correction/(24*3600))
	default:
		return nil
	}
	return fmt.Errorf("the community file's %s: this was fixed when the ledger began; set it back, or name another folder", what)
}
