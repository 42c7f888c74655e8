package monitor

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/commonwatt/commonwatt/node"
)

// asked is what a health answers.
func asked(t *testing.T, h http.Handler) (int, Report) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	var r Report
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil {
		t.Fatalf("%q: %v", w.Body, err)
	}
	return w.Code, r
}

// One problem of any check makes a node unready, and the answer says which; a moment
// after it is over, the node is ready.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		problem, looks := "", 0
		h := NewHealth(
			func() []node.Check { looks++; return []node.Check{{Name: "disk", Problem: problem}, {Name: "view"}} },
			func() []node.Check { return []node.Check{{Name: "history"}} },
		)
		if code, r := asked(t, h); code != http.StatusOK || !r.Ready || len(r.Checks) != 3 {
			t.Errorf("all is well: %d %+v", code, r)
		}
		problem = "it is full"
		if code, _ := asked(t, h); code != http.StatusOK || looks != 1 {
			t.Errorf("what was found a moment ago is not told again: %d, %d looks", code, looks)
		}
		time.Sleep(freshFor)
		code, r := asked(t, h)
		if code != http.StatusServiceUnavailable || r.Ready || r.Checks[0].Problem != problem || r.Status() != "disk: it is full" {
			t.Errorf("the disk is full: %d %+v", code, r)
		}
		problem = ""
		time.Sleep(freshFor)
		if code, r := asked(t, h); code != http.StatusOK || r.Status() != "ready" {
			t.Errorf("all is well again: %d %+v", code, r)
		}
	})
}

// A look that hangs is answered all the same, and nobody starts a second one beside it.
func TestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back, looks := make(chan struct{}), 0
		h := NewHealth(func() []node.Check { looks++; <-back; return nil })
		for range 2 {
			if code, r := asked(t, h); code != http.StatusServiceUnavailable || !r.Hangs() || looks != 1 {
				t.Errorf("it hangs: %d %+v, %d looks", code, r, looks)
			}
		}
		close(back)
		synctest.Wait()
		if code, r := asked(t, h); code != http.StatusOK || r.Hangs() {
			t.Errorf("it is back: %d %+v", code, r)
		}
	})
}
