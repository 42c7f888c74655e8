package verifier

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/machine"
)

// The module that is committed is what its source makes: run make verifier. Only
// the version of Go that made it makes the same bytes.
func TestModuleIsMade(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the verifier for browsers")
	}
	made, err := os.ReadFile("made-with.txt")
	if err != nil {
		t.Fatal(err)
	}
	if with := strings.TrimSpace(string(made)); with != runtime.Version() {
		t.Skipf("it was made with %s, this is %s", with, runtime.Version())
	}
	path := filepath.Join(t.TempDir(), moduleName)
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "./wasm")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	glue, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, "/verify/wasm_exec.js", "").Body.Bytes(), glue) {
		t.Error("wasm_exec.js is not that of this version of Go: run make verifier and commit it")
	}
	if !bytes.Equal(get(t, "/verify/verify.wasm", "").Body.Bytes(), want) {
		t.Error("what is served is not what the source makes: run make verifier and commit it")
	}
	if zipped := get(t, "/verify/verify.wasm", "br, gzip"); zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Body.Len() > 2_500_000 {
		t.Errorf("%d bytes as %q", zipped.Body.Len(), zipped.Header().Get("Content-Encoding"))
	}
}

func get(t *testing.T, path, encodings string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := Handler()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", encodings)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestServed(t *testing.T) {
	for path, kind := range map[string]string{
		"/verify": "text/html", "/verify/": "text/html", "/verify/verify.js": "text/javascript", "/verify/wasm_exec.js": "text/javascript",
		"/verify/page.css": "text/css", "/verify/receipts.json": "application/json", "/verify/verify.wasm": "application/wasm",
	} {
		if w := get(t, path, ""); w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) {
			t.Errorf("%s: %d, %s", path, w.Code, w.Header().Get("Content-Type"))
		}
	}
	if w := get(t, "/verify/nothing.js", ""); w.Code != http.StatusNotFound {
		t.Errorf("what there is not: %d", w.Code)
	}
}

// Every type that a schema names is described, or is a word that the script knows.
func TestSchemasAreWhole(t *testing.T) {
	var s schemas
	if err := json.Unmarshal(get(t, "/verify/receipts.json", "").Body.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.Kinds) != len(machine.Registry().Receipts) {
		t.Errorf("%d kinds of %d", len(s.Kinds), len(machine.Registry().Receipts))
	}
	known := func(name string) bool {
		name = strings.TrimLeft(name, "[]")
		_, described := s.Types[name]
		return described || strings.Contains(" time energy money price bytes number plain ", " "+name+" ")
	}
	for kind, k := range s.Kinds {
		if !known(k.Type) {
			t.Errorf("kind %d is of the unknown type %q", kind, k.Type)
		}
	}
	for name, fields := range s.Types {
		for _, f := range fields {
			if !known(f.Type) {
				t.Errorf("%s.%s is of the unknown type %q", name, f.Name, f.Type)
			}
		}
	}
}
