package node

import "github.com/commonwatt/commonwatt/tx"

// Check says why an envelope would be refused if it were sent now, and sends
// nothing. That it would not be refused is no promise: others may come before.
//
// Errors: a text that is no envelope; a refusal of admission.
func (n *Node) Check(raw []byte) error {
	e, err := tx.Decode(raw)
	if err != nil {
		return err
	}
	return n.app.Screen([]*tx.Envelope{e})[0]
}
