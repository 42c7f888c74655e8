package op

// Versions of the rules by which blocks are executed: a number for every change of
// what an operation or a close does, appended, never reused. A ledger says which
// of them is in force at a height, and Context hands that to the domains.
const (
	RulesFirst     uint32 = 1 // Those of a ledger that says nothing of rules.
	RulesSnapshots uint32 = 2 // The state commits to the machine's secret, so that a snapshot of it can be proven whole.
)
