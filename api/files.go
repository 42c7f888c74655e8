package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
)

// Files books what meter files hold.
type Files interface {
	// Expect says what files have to hold, and the meters that there are.
	Expect(ctx context.Context) (e gateway.Expect, meters []string, err error)

	// Book books readings, by start, then meter, and returns how many are on the ledger,
	// also when it fails. Errors: a refusal of the ledger; those of the node.
	Book(ctx context.Context, readings []gateway.Reading) (booked int, err error)
}

// Bounds of a meter file that comes this way. Larger ones the command line takes.
const (
	fileMax     = 8 << 20 // Bytes, as sent.
	fileRowsMax = 400_000 // Readings: a year of 15 minutes of eleven meters.
	fileTime    = 2 * time.Minute
)

// filesPath ends the path of meter files.
const filesPath = "/microgrids/{microgrid}/files"

// bodyMaxOf bounds the body of a request, before any of it is read: who may not book a
// meter file, or what a buyer used, needs not send one.
//
// Errors: *pages.Forbidden.
func bodyMaxOf(r *http.Request, who visitor) (int64, error) {
	if strings.HasSuffix(r.URL.Path, "/consumption") && (who.Role == pages.Buyer || who.Role == pages.Operator) {
		return consumptionMax, nil
	}
	if !strings.HasPrefix(r.URL.Path, Prefix+"/microgrids/") || !strings.HasSuffix(r.URL.Path, "/files") {
		return bodyMax, nil
	}
	if who.Role != pages.Operator {
		return 0, noFiles
	}
	return fileMax, nil
}

// noFiles is what others are told.
var noFiles = &pages.Forbidden{Next: "sign in as the microgrid's operator"}

type fileInput struct {
	Microgrid string   `path:"microgrid"`
	Name      string   `query:"name" maxLength:"200" doc:"what messages call the file" example:"june.csv"`
	Meter     []string `query:"meter,explode" maxItems:"1000" doc:"NAME of the one meter in the file, or ID=NAME of the meter that it calls ID" example:"[\"6305812345=anna\"]"`
	DryRun    bool     `query:"dry_run" doc:"say what the file holds, and book nothing"`
	RawBody   []byte   `contentType:"application/octet-stream" doc:"CSV, NEM12, Green Button or DSMR P1, also in gzip or zip: 8 MiB at most"`
}

// RefusedFile is why a meter file was refused. It is a problem (RFC 9457) with more.
type RefusedFile struct {
	huma.ErrorModel
	File    string   `json:"file,omitempty"`
	Line    int      `json:"line,omitempty"`
	Field   string   `json:"field,omitempty"`
	Text    string   `json:"text,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Next    string   `json:"next,omitempty"`
	Unknown []string `json:"unknown,omitempty"` // Meters of the file that are none of the community's.
	Meters  []string `json:"meters,omitempty"`  // The community's, when some are unknown.
}

func (a *API) registerFiles() {
	huma.Register(a.huma, huma.Operation{
		OperationID: "import", Method: http.MethodPost, Path: Prefix + filesPath, Tags: []string{"Community"},
		Summary: "Book what a meter file holds, as its operator",
		Description: "It says of a file what \"commonwatt import\" says. A bad file is refused whole: 422, with file, line, field, text, reason and next, " +
			"and, where the file has meters that the community does not know, with those (unknown) and those that there are (meters). One file at a time.",
		MaxBodyBytes: fileMax, BodyReadTimeout: fileTime, Errors: []int{http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *fileInput) (*body[gateway.Told], error) {
		m, err := microgridID(in.Microgrid)
		if err == nil && !visitorOf(ctx).Operates(m) {
			err = noFiles
		}
		if err != nil {
			return nil, answer(ctx, err)
		}
		if a.Files == nil {
			return nil, huma.NewError(http.StatusServiceUnavailable, "this node takes no meter files: it is a demo")
		}
		select {
		case a.importing <- struct{}{}:
			defer func() { <-a.importing }()
		default:
			return nil, huma.ErrorWithHeaders(huma.NewError(http.StatusServiceUnavailable, "another meter file is being read: try again in a moment"), http.Header{"Retry-After": {"5"}})
		}
		told, err := a.file(ctx, in)
		if err != nil {
			return nil, err
		}
		return reply(told), nil
	})
	a.registerExport()
}

// file reads a meter file, and books it unless it is a dry run.
func (a *API) file(ctx context.Context, in *fileInput) (t gateway.Told, err error) {
	expect, meters, err := a.Files.Expect(ctx)
	if err != nil {
		return t, answer(ctx, err)
	}
	expect.RowsMax = fileRowsMax
	if err := expect.Name(in.Meter); err != nil {
		return t, huma.Error400BadRequest("meter " + err.Error())
	}
	name := in.Name
	if name == "" {
		name = "the file"
	}
	read := func(e gateway.Expect) (gateway.Content, error) {
		return gateway.Read(name, bytes.NewReader(in.RawBody), int64(len(in.RawBody)), e)
	}
	content, err := read(expect)
	if no, ok := errors.AsType[*gateway.Refused](err); ok {
		return t, refusedFile(ctx, no, expect, meters, read)
	}
	if err != nil {
		return t, answer(ctx, err)
	}
	readings, err := operator.Bookable(content.Readings, interval.Time(a.Source.Now().Unix()))
	if err != nil {
		return t, huma.Error422UnprocessableEntity(err.Error())
	}
	if in.DryRun || len(readings) == 0 {
		return content.Told(len(readings), false), nil
	}
	booked, err := a.Files.Book(ctx, readings)
	if no, refused := errors.AsType[*op.Refusal](err); refused {
		return t, huma.Error409Conflict(fmt.Sprintf("the ledger refuses: %s; of %d readings %d were booked", no.Error(), len(readings), booked))
	}
	if err != nil {
		return t, answer(ctx, err)
	}
	return content.Told(len(readings), true), nil
}

// refusedFile is why a file was refused. It looks again for the meters that the
// community does not know, all of them.
func refusedFile(ctx context.Context, no *gateway.Refused, expect gateway.Expect, meters []string, read func(gateway.Expect) (gateway.Content, error)) error {
	r := &RefusedFile{
		ErrorModel: huma.ErrorModel{Status: http.StatusUnprocessableEntity, Title: http.StatusText(http.StatusUnprocessableEntity), Detail: no.Error()},
		File:       no.File, Line: no.Line, Field: no.Field, Text: no.Text, Reason: no.Reason, Next: no.Next,
	}
	known := expect.Meters
	expect.Meters = nil
	content, err := read(expect)
	if err != nil || ctx.Err() != nil {
		return r
	}
	for _, p := range content.Parts {
		if !known.Has(p.Named) && !slices.Contains(r.Unknown, p.Meter) {
			r.Unknown = append(r.Unknown, p.Meter)
		}
	}
	if len(r.Unknown) > 0 {
		r.Meters = meters
	}
	return r
}

func (a *API) registerExport() {
	for _, f := range []struct {
		id, file, kind, summary string
		format                  gateway.Format
	}{
		{"readings-csv", "readings.csv", "text/csv", "A household's readings as a spreadsheet, which import reads back", gateway.CSV},
		{"readings-greenbutton", "readings.xml", "application/atom+xml", "A household's readings as Green Button (NAESB REQ.21 ESPI), which import reads back", gateway.GreenButton},
	} {
		huma.Register(a.huma, huma.Operation{
			OperationID: f.id, Method: http.MethodGet, Path: Prefix + "/accounts/{account}/" + f.file, Tags: []string{"Household"}, Summary: f.summary,
			Responses: map[string]*huma.Response{"200": {
				Description: "a file", Content: map[string]*huma.MediaType{f.kind: {Schema: &huma.Schema{Type: huma.TypeString}}},
			}},
		}, func(ctx context.Context, in *struct {
			Account string `path:"account" doc:"the household's account"`
			From    string `query:"from" doc:"first day; none: the first one that is settled" example:"2026-06-01"`
			To      string `query:"to" doc:"last day; none: the last one that is settled" example:"2026-06-30"`
		},
		) (*spreadsheet, error) {
			account, err := a.seesAccount(ctx, in.Account)
			if err != nil {
				return nil, answer(ctx, err)
			}
			sheet, err := csv(ctx, "commonwatt-"+f.file, func(w io.Writer) error { return a.Source.Export(ctx, w, f.format, account, in.From, in.To) })
			if err == nil {
				sheet.ContentType = f.kind + "; charset=utf-8"
			}
			return sheet, err
		})
	}
}
