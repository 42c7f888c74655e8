package node

import (
	"log/slog"

	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
)

// Rules is by which rules a ledger's blocks are executed.
type Rules struct {
	InForce uint32              `json:"in_force"`          // For the next block.
	Agreed  *governance.Upgrade `json:"agreed,omitempty"`  // The council's decision on what comes then.
	Known   bool                `json:"known"`             // Whether this program knows both.
	Newest  uint32              `json:"newest_of_program"` // That this program knows.
}

// rulesNewest is the newest rules of this process's nodes.
var rulesNewest = machine.RulesNewest

// LimitRules makes every node that this process opens or founds know the rules up to
// a version and no newer ones, as an older program does: to rehearse an upgrade. It is
// for the start of a program.
func LimitRules(newest uint32) { rulesNewest = newest }

// RulesNewest is the newest rules that this process's nodes know.
func RulesNewest() uint32 { return rulesNewest }

func rulesOf(rows state.Reader, head machine.Head) Rules {
	r := Rules{InForce: governance.InForce(rows, head.Height+1).Rules, Newest: rulesNewest}
	last := r.InForce
	if u, ok := governance.Agreed(rows, head.Height+1); ok {
		r.Agreed, last = &u, u.Rules
	}
	r.Known = r.InForce >= machine.RulesOldest && last >= machine.RulesOldest && max(r.InForce, last) <= rulesNewest
	return r
}

// rulesTeller tells the log, once, of an upgrade that is agreed on.
type rulesTeller struct{ told governance.Upgrade }

func (t *rulesTeller) tell(m *machine.Machine, log *slog.Logger) {
	u, _ := governance.Agreed(m.Rows(), m.Head().Height+1)
	if u == t.told {
		return
	}
	before, now := t.told, governance.InForce(m.Rows(), m.Head().Height+1)
	t.told = u
	switch {
	case u.Rules == 0 && now == before:
		log.Info("the ledger's new rules are in force", "rules", now.Rules, "from_height", now.Height)
	case u.Rules == 0:
		log.Info("the upgrade of the ledger's rules was taken back", "rules", now.Rules)
	case m.Knows(u.Rules):
		log.Info("the ledger's rules change; this program knows the new ones", "rules", u.Rules, "from_height", u.Height)
	default:
		log.Warn("the ledger's rules change, and this program does not know the new ones: it will stop before that height; install a version that knows them by then",
			"rules", u.Rules, "from_height", u.Height)
	}
}
