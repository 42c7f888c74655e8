package machine

import (
	"slices"

	"github.com/commonwatt/commonwatt/governance"
)

// powers lists the validators whose voting power a block's decisions change;
// the last decision about a validator counts. One that came and went within the
// block is left out: the consensus never had it and could not remove it.
func (m *Machine) powers(r Record) []Power {
	var list []Power
	for _, o := range r.Outcomes {
		for _, f := range o.Receipts {
			if f.Kind != governance.DecidedReceipt.Kind {
				continue
			}
			d := governance.DecidedReceipt.Read(f.Receipt())
			if d.Adopted && d.Change.Validator != nil {
				list = setPower(list, Power{d.Change.Validator.PublicKey, d.Change.Validator.Power})
			}
		}
	}
	return slices.DeleteFunc(list, func(p Power) bool {
		return p.Power == 0 && governance.PowerOf(m.rows, governance.ValidatorKey(p.PublicKey)) == 0
	})
}

// setPower replaces a validator's power in a list, or adds it.
func setPower(list []Power, p Power) []Power {
	for i := range list {
		if string(list[i].PublicKey) == string(p.PublicKey) {
			list[i] = p
			return list
		}
	}
	return append(list, p)
}
