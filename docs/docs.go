// Package docs is the documentation, as the node serves it: the same files that
// are read in the repository.
//
// Its promise: a page needs no network and no JavaScript; every link between two
// pages leads somewhere, or a test fails.
package docs

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

//go:embed *.md decisions/*.md
var files embed.FS

//go:embed page.html
var pageText string

//go:embed style.css
var style []byte

// Root is where the pages are served.
const Root = "/docs/"

// first is the order of the menu; other pages follow by name, decisions last.
var first = []string{"start", "run-a-community", "network", "keys", "postgresql", "operate", "metrics", "devices", "bridge", "meter-files", "api", "community-file", "simulate", "market", "certificates", "trace", "proofs", "reliability", "performance", "glossary", "operations"}

// page is one rendered page.
type page struct {
	Name  string // "decisions/0001-order-of-the-rooms"
	Title string
	HTML  template.HTML
}

// book is every page, rendered.
type book struct {
	pages []page
	byURL map[string]int // By name.
	frame *template.Template
}

// Handler serves the pages under Root.
//
// Errors: a page that cannot be read; all of them are in the binary.
func Handler() (http.Handler, error) {
	b, err := read()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Root+"style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "max-age=3600")
		_, _ = w.Write(style) // Whoever went away needs no answer.
	})
	mux.HandleFunc("GET "+Root+"{name...}", b.serve)
	return mux, nil
}

// serve writes one page; the root is the first one.
func (b *book) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(r.PathValue("name"), "/")
	if name == "" {
		name = b.pages[0].Name
	}
	i, ok := b.byURL[name]
	if !ok {
		http.Error(w, fmt.Sprintf("there is no page %q in the documentation; %s lists them", name, Root), http.StatusNotFound)
		return
	}
	var out bytes.Buffer
	if err := b.frame.Execute(&out, map[string]any{"Page": b.pages[i], "Pages": b.pages, "Root": Root}); err != nil {
		http.Error(w, "the page cannot be made: tell us which it is", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = out.WriteTo(w) // As above.
}

// read renders every page.
func read() (*book, error) {
	b := &book{byURL: map[string]int{}}
	var err error
	if b.frame, err = template.New("page").Parse(pageText); err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	names, err := fs.Glob(files, "*.md")
	if err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	decisions, err := fs.Glob(files, "decisions/*.md")
	if err != nil {
		return nil, fmt.Errorf("docs: %w", err)
	}
	slices.SortStableFunc(names, func(a, b string) int { return place(a) - place(b) })
	for _, file := range append(names, decisions...) {
		p, err := render(file)
		if err != nil {
			return nil, err
		}
		b.byURL[p.Name] = len(b.pages)
		b.pages = append(b.pages, p)
	}
	return b, nil
}

// place is where a file stands in the menu.
func place(file string) int {
	if i := slices.Index(first, strings.TrimSuffix(file, ".md")); i >= 0 {
		return i
	}
	return len(first)
}

// render makes a page of a file.
func render(file string) (page, error) {
	source, err := files.ReadFile(file)
	if err != nil {
		return page{}, fmt.Errorf("docs: %w", err)
	}
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	tree := md.Parser().Parse(text.NewReader(source))
	p := page{Name: strings.TrimSuffix(file, ".md")}
	err = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			if p.Title == "" {
				p.Title = plain(n, source)
			}
		case *ast.Link:
			n.Destination = []byte(target(file, string(n.Destination)))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return page{}, fmt.Errorf("docs: %s: %w", file, err)
	}
	var out bytes.Buffer
	if err := md.Renderer().Render(&out, source, tree); err != nil {
		return page{}, fmt.Errorf("docs: %s: %w", file, err)
	}
	p.HTML = template.HTML(out.String()) // Our own files, and goldmark drops raw HTML.
	return p, nil
}

// plain is the text of a node without its marks.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(source))
			continue
		}
		b.WriteString(plain(c, source))
	}
	return b.String()
}

// repository is where files that are not documentation can be read.
const repository = "https://github.com/commonwatt/commonwatt/blob/main/"

// target is where a link of a file leads on the server: another page, or a file
// of the repository.
func target(file, link string) string {
	if link == "" || strings.HasPrefix(link, "#") || strings.HasPrefix(link, "/") || strings.Contains(link, "://") {
		return link
	}
	name, anchor, _ := strings.Cut(link, "#")
	if anchor != "" {
		anchor = "#" + anchor
	}
	full := path.Join("docs", path.Dir(file), name)
	if rest, ours := strings.CutPrefix(full, "docs/"); ours && strings.HasSuffix(rest, ".md") {
		return Root + strings.TrimSuffix(rest, ".md") + anchor
	}
	return repository + full + anchor
}
