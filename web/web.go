// Package web is the app in the browser: web/src, built to web/dist, embedded.
//
// Its promise: what is served is what is committed; everything but the entry page
// has its hash in its name and is kept for good; no address of the app is unknown
// to it, and no file is guessed.
package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:dist
var dist embed.FS

// asset is a file as it is served.
type asset struct {
	plain   []byte
	brotli  []byte // nil: there is none.
	kind    string
	tag     string
	forever bool
}

// Handler serves the app. Addresses of its pages are answered with the entry page.
func Handler() (http.Handler, error) {
	assets := map[string]*asset{}
	err := fs.WalkDir(dist, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(name, ".br") {
			return err
		}
		content, err := dist.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		url := strings.TrimPrefix(name, "dist")
		a := &asset{plain: content, kind: mime.TypeByExtension(path.Ext(name)), tag: `"` + hex.EncodeToString(sum[:8]) + `"`}
		a.forever = strings.HasPrefix(url, "/assets/") && !strings.HasPrefix(url, "/assets/fonts/")
		if a.brotli, err = dist.ReadFile(name + ".br"); err != nil {
			a.brotli = nil
		}
		if a.kind == "" && path.Ext(name) == ".woff2" {
			a.kind = "font/woff2"
		}
		assets[url] = a
		return nil
	})
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a, ok := assets[r.URL.Path]; ok {
			a.serve(w, r)
			return
		}
		if path.Ext(path.Base(r.URL.Path)) != "" && !strings.HasPrefix(r.URL.Path, "/ledger/") || strings.HasPrefix(r.URL.Path, "/assets/") {
			http.Error(w, "there is no such file: open / for the app", http.StatusNotFound)
			return
		}
		assets["/index.html"].serve(w, r)
	}), nil
}

// serve writes a file, compressed for whoever takes it so.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", a.tag)
	h.Set("Cache-Control", "no-cache")
	if a.forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	content := a.plain
	if a.brotli != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "br") {
		h.Set("Content-Encoding", "br")
		h.Set("ETag", strings.TrimSuffix(a.tag, `"`)+`-br"`)
		content = a.brotli
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}
