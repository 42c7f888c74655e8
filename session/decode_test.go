package session

import (
	"encoding/json"
	"testing"

	"github.com/commonwatt/commonwatt/optest/memory"
)

// FuzzDecode: what is read as people.json is written and read again the same, and
// nobody in it is missing.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"people":{},"links":{},"sessions":{}}`))
	f.Add([]byte(`{"people":{"ann":{"id":"ann","account":"7","role":"household","microgrid":"3","handle":"AA=="}},"links":{"00":{"person":"ann","until":"2026-06-20T12:00:00Z"}},"sessions":{"01":{"person":"ann","seen":"2026-06-20T12:00:00Z"}}}`))
	f.Add([]byte(`{"people":{"ann":null},"links":{},"sessions":{}}`))
	memory.Large(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		defer memory.Bound(t)()
		read, err := decode(text)
		if err != nil {
			return
		}
		for _, s := range read.Sessions {
			if read.People[s.Person].ID != s.Person {
				t.Fatalf("a session of nobody: %q", s.Person)
			}
		}
		written, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(written)
		if err != nil || len(again.People) != len(read.People) || len(again.Links) != len(read.Links) || len(again.Sessions) != len(read.Sessions) {
			t.Fatalf("read again: %v", err)
		}
	})
}
