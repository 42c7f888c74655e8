package op

// Versions of the rules by which blocks are executed: a number for every change of
// what an operation or a close does, appended, never reused. A ledger says which
// of them is in force at a height, and Context hands that to the domains.
const (
	RulesFirst         uint32 = 1 // Those of a ledger that says nothing of rules.
	RulesReadingsLeave uint32 = 2 // Readings leave the state once their interval is final, and the state commits to the machine's secret.
)
