package server

import (
	"encoding/json"
	"net/http"

	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/verifier"
)

// TrustPath is where a node tells its last signed header, for whoever verifies
// proofs. It is public: every peer has it.
const TrustPath = verifier.Root + "/trust.json"

// trustOf serves the last signed header of a node.
func trustOf(n *node.Node) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		t, err := n.Headers().Trust(0)
		if err != nil {
			http.Error(w, "there is no block yet: ask again in a moment", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(t) // Whoever went away needs none.
	}
}
