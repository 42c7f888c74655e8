// Package verifier serves the verifier of proofs to browsers: package proof,
// compiled to WebAssembly, the script that calls it, and a page.
//
// Its promise: what is served is what is committed, and that is what the source
// makes; it works without any other server, and what is verified stays in the
// browser.
package verifier

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/machine"
)

// Root is where the page is, and below which everything of it is.
const Root = "/verify"

// Names of what is made, not written.
const (
	moduleName  = "verify.wasm"
	schemasName = "receipts.json"
)

//go:embed page.html page.css page.js verify.js wasm_exec.js verify.wasm.gz
var files embed.FS

// Handler serves Root and what is below it.
//
// Errors: files that cannot be read; all of them are in the binary.
func Handler() (http.Handler, error) {
	served := map[string]*file{}
	for name, url := range map[string]string{
		"page.html": Root, "page.css": Root + "/page.css", "page.js": Root + "/page.js",
		"verify.js": Root + "/verify.js", "wasm_exec.js": Root + "/wasm_exec.js",
	} {
		content, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		served[url] = newFile(name, content)
	}
	schemas, err := json.Marshal(schemasOf(machine.Registry()))
	if err != nil {
		return nil, err
	}
	served[Root+"/"+schemasName] = newFile(schemasName, schemas)
	module, err := files.ReadFile(moduleName + ".gz")
	if err != nil {
		return nil, err
	}
	served[Root+"/"+moduleName] = newFile(moduleName, module)
	served[Root+"/"+moduleName].zipped = true
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := served[strings.TrimSuffix(r.URL.Path, "/")]
		if !ok {
			http.Error(w, "there is no such file: open "+Root+" to verify a proof", http.StatusNotFound)
			return
		}
		f.serve(w, r)
	}), nil
}

// file is a file as it is served.
type file struct {
	content []byte
	kind    string
	tag     string
	zipped  bool // The content is compressed.
}

func newFile(name string, content []byte) *file {
	sum := sha256.Sum256(content)
	return &file{content, mime.TypeByExtension(path.Ext(name)), `"` + hex.EncodeToString(sum[:8]) + `"`, false}
}

// serve writes a file. Whoever does not take gzip is rare and gets it unpacked.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.tag)
	content := f.content
	if f.zipped {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
		} else {
			h.Set("ETag", strings.TrimSuffix(f.tag, `"`)+`-plain"`)
			content = unzip(f.content)
		}
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// unzip unpacks what is in the binary.
func unzip(content []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		panic(fmt.Sprintf("verifier: what is committed is not gzip: %v", err))
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		panic(fmt.Sprintf("verifier: what is committed is cut off: %v", err))
	}
	return plain
}
