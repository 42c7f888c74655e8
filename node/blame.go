package node

import (
	"fmt"
	"log/slog"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/machine"
)

// tellBlamed warns of validators that a block has evidence against.
func tellBlamed(r machine.Record, log *slog.Logger) {
	for _, o := range r.Outcomes {
		for _, f := range o.Receipts {
			if f.Kind != governance.EquivocatedReceipt.Kind {
				continue
			}
			blamed := governance.EquivocatedReceipt.Read(f.Receipt())
			log.Warn("a validator equivocated: find out why, and let the council vote on whether it stays",
				"validator", fmt.Sprintf("%X", blamed.PublicKey), "address", fmt.Sprintf("%X", blamed.Address), "signed", blamed.Height, "block", r.Height)
		}
	}
}
