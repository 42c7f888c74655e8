package api

import (
	"bytes"
	_ "embed" // The page's frame.
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed reference.html
var referenceText string

// registerReference serves the operations as a page: the OpenAPI document for
// people, without a script, so that it works under our policy and on paper.
func (a *API) registerReference() {
	frame := template.Must(template.New("reference").Parse(referenceText))
	a.mux.HandleFunc("GET "+Prefix+"/{$}", func(w http.ResponseWriter, r *http.Request) {
		var out bytes.Buffer
		if err := frame.Execute(&out, referenceOf(a.huma.OpenAPI())); err != nil {
			problem(w, r, http.StatusInternalServerError, "the page cannot be made: /openapi.json says the same for programs")
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = out.WriteTo(w) // Whoever went away needs none.
	})
}

// reference is what the page tells.
type reference struct {
	Title, Version, About string
	Tags                  []taggedOperations
	Types                 []typeTold
}

type taggedOperations struct {
	Name, ID   string
	Operations []operationTold
}

// operationTold is an operation in words.
type operationTold struct {
	ID, Method, Path, Summary, About string
	Fields                           []fieldTold
	Takes, Gives                     typeName
}

// typeTold is a type with its fields.
type typeTold struct {
	Name   string
	Fields []fieldTold
}

type fieldTold struct {
	Name, In string
	Type     typeName
	About    string
}

// typeName is what a type is called, and the type of ours that it leads to.
type typeName struct{ Text, Link string }

// referenceOf reads a document.
func referenceOf(doc *huma.OpenAPI) reference {
	r := reference{Title: doc.Info.Title, Version: doc.Info.Version, About: doc.Info.Description}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		for _, o := range []*huma.Operation{item.Get, item.Post, item.Delete} {
			if o == nil {
				continue
			}
			i := slices.IndexFunc(r.Tags, func(t taggedOperations) bool { return t.Name == o.Tags[0] })
			if i < 0 {
				i = len(r.Tags)
				r.Tags = append(r.Tags, taggedOperations{Name: o.Tags[0], ID: "about-" + strings.ToLower(strings.ReplaceAll(o.Tags[0], " ", "-"))})
			}
			r.Tags[i].Operations = append(r.Tags[i].Operations, operationOf(o))
		}
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		told := typeTold{Name: name}
		for _, field := range slices.Sorted(maps.Keys(schemas[name].Properties)) {
			s := schemas[name].Properties[field]
			told.Fields = append(told.Fields, fieldTold{Name: field, Type: nameOf(s), About: s.Description})
		}
		r.Types = append(r.Types, told)
	}
	return r
}

func operationOf(o *huma.Operation) operationTold {
	told := operationTold{ID: o.OperationID, Method: o.Method, Path: o.Path, Summary: o.Summary, About: o.Description}
	for _, p := range o.Parameters {
		about := p.Description
		if p.Example != nil {
			about = strings.TrimPrefix(about+"; as in "+text(p.Example), "; ")
		}
		told.Fields = append(told.Fields, fieldTold{p.Name, p.In, nameOf(p.Schema), about})
	}
	if o.RequestBody != nil {
		told.Takes = contentOf(o.RequestBody.Content)
	}
	for _, status := range []string{"200", "204"} {
		if answer := o.Responses[status]; answer != nil {
			told.Gives = contentOf(answer.Content)
			if told.Gives.Text == "" {
				told.Gives.Text = "nothing (" + status + ")"
			}
		}
	}
	return told
}

// text is an example as it is written.
func text(example any) string {
	if s, ok := example.(string); ok {
		return s
	}
	return "a value of its kind"
}

// contentOf is the type of a body: of JSON, else of whatever kind there is.
func contentOf(content map[string]*huma.MediaType) typeName {
	for _, kind := range append([]string{"application/json"}, slices.Sorted(maps.Keys(content))...) {
		if media := content[kind]; media != nil && media.Schema != nil {
			if name := nameOf(media.Schema); name.Link != "" {
				return name
			}
			return typeName{Text: kind}
		}
	}
	return typeName{}
}

// nameOf is what a schema is called.
func nameOf(s *huma.Schema) typeName {
	switch {
	case s == nil:
		return typeName{}
	case s.Ref != "":
		name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		return typeName{name, name}
	case s.Items != nil:
		of := nameOf(s.Items)
		return typeName{"list of " + of.Text, of.Link}
	case s.Format != "":
		return typeName{Text: s.Type + " (" + s.Format + ")"}
	case s.Type == "":
		return typeName{Text: "any"}
	}
	return typeName{Text: s.Type}
}
