package node

import (
	"github.com/commonwatt/commonwatt/governance"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/state"
)

// Validators counts the validators that decide the next block.
func (n *Node) Validators() (count int) {
	n.Read(func(rows state.Reader, _ machine.Head) { count = governance.Validators(rows) })
	return count
}
