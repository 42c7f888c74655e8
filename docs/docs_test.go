package docs

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// get asks the documentation for a page.
func get(t *testing.T, handler http.Handler, url string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, url, nil))
	return w.Code, w.Body.String()
}

func handler(t *testing.T) http.Handler {
	t.Helper()
	h, err := Handler()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Every page is served with its title, and every link in it leads to a page with
// that anchor, or to a file of the repository that is there.
func TestLinks(t *testing.T) {
	h := handler(t)
	b, err := read()
	if err != nil {
		t.Fatal(err)
	}
	links := regexp.MustCompile(`href="([^"]+)"`)
	for _, p := range b.pages {
		code, body := get(t, h, Root+p.Name)
		if code != http.StatusOK || p.Title == "" || !strings.Contains(body, "<title>") {
			t.Errorf("%s: %d, title %q", p.Name, code, p.Title)
		}
		for _, m := range links.FindAllStringSubmatch(string(p.HTML), -1) {
			url, anchor, _ := strings.Cut(m[1], "#")
			if rest, ours := strings.CutPrefix(url, repository); ours {
				if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(rest))); err != nil {
					t.Errorf("%s links to %s: %v", p.Name, m[1], err)
				}
				continue
			}
			if url != "" && !strings.HasPrefix(url, Root) {
				continue // Of the node, or of others.
			}
			there := body
			if url != "" {
				if code, there = get(t, h, url); code != http.StatusOK {
					t.Errorf("%s links to %s: %d", p.Name, m[1], code)
				}
			}
			if anchor != "" && !strings.Contains(there, `id="`+anchor+`"`) {
				t.Errorf("%s links to %s: there is no such place", p.Name, m[1])
			}
		}
	}
}

// The root is the first page; what is not there is said so.
func TestServe(t *testing.T) {
	h := handler(t)
	if code, body := get(t, h, Root); code != http.StatusOK || !strings.Contains(body, `aria-current="page"`) {
		t.Errorf("the root: %d", code)
	}
	if code, body := get(t, h, Root+"nothing"); code != http.StatusNotFound || !strings.Contains(body, `there is no page "nothing"`) {
		t.Errorf("nothing: %d %q", code, body)
	}
	if code, body := get(t, h, Root+"style.css"); code != http.StatusOK || !strings.Contains(body, "--ink") {
		t.Errorf("the style: %d", code)
	}
}
