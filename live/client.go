package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/proof"
	"github.com/commonwatt/commonwatt/tx"
)

// ErrNotRunning means that no node runs in a folder.
var ErrNotRunning = errors.New("no node is running here")

// BadError means that what was given to a running node is bad; nothing was changed.
type BadError struct{ Text string }

// Error says why.
func (e *BadError) Error() string { return e.Text }

// Client asks the running node of a folder.
type Client struct{ address }

// Find returns a client of the node that runs in a folder.
//
// Errors: ErrNotRunning; a file that is there and cannot be read.
func Find(ctx context.Context, dir string) (*Client, error) {
	text, err := os.ReadFile(filepath.Join(dir, AddressFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("a node is running here, and this command may not ask it: %w: run it as the same user", err)
	}
	c := &Client{}
	if err := json.Unmarshal(text, &c.address); err != nil || !strings.HasPrefix(c.Control, "http://127.0.0.1:") {
		return nil, ErrNotRunning
	}
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	if _, err := c.Status(ctx); err != nil { // Left behind by a node that was ended at once.
		return nil, ErrNotRunning
	}
	return c, nil
}

// Origin is what people open.
func (c *Client) Origin() string { return c.address.Origin }

// Status asks how far the node is.
func (c *Client) Status(ctx context.Context) (s Running, err error) {
	return s, c.ask(ctx, http.MethodGet, "/status", nil, &s)
}

// Change replaces the community file by another text and books it, or, in a dry
// run, says what that would take.
//
// Errors: *BadError.
func (c *Client) Change(ctx context.Context, text []byte, dryRun bool) (booked []string, err error) {
	path := "/community"
	if dryRun {
		path += "?dry_run"
	}
	return booked, c.ask(ctx, http.MethodPut, path, text, &booked)
}

// Link makes a one-time link for somebody.
//
// Errors: *BadError.
func (c *Client) Link(ctx context.Context, who string) (link string, err error) {
	return link, c.ask(ctx, http.MethodPost, "/link/"+url.PathEscape(who), nil, &link)
}

// Credentials issues credentials for the devices of meters.
//
// Errors: *BadError.
func (c *Client) Credentials(ctx context.Context, meters []string) (list []Credential, err error) {
	text, err := json.Marshal(meters)
	if err != nil {
		return nil, err
	}
	return list, c.ask(ctx, http.MethodPost, "/credentials", text, &list)
}

// Code makes a one-time code by which the device of a meter enrols.
//
// Errors: *BadError.
func (c *Client) Code(ctx context.Context, ask CodeRequest) (code api.EnrolCode, err error) {
	text, err := json.Marshal(ask)
	if err != nil {
		return code, err
	}
	return code, c.ask(ctx, http.MethodPost, "/code", text, &code)
}

// DeviceKey books what becomes of a device's key, and returns the epoch that it is in.
//
// Errors: *BadError.
func (c *Client) DeviceKey(ctx context.Context, k DeviceKey) (epoch uint32, err error) {
	text, err := json.Marshal(k)
	if err != nil {
		return 0, err
	}
	return epoch, c.ask(ctx, http.MethodPost, "/key", text, &epoch)
}

// Meters asks which meters reported and when.
func (c *Client) Meters(ctx context.Context) (list []Meter, err error) {
	return list, c.ask(ctx, http.MethodGet, "/meters", nil, &list)
}

// Month asks for a household's bill.
//
// Errors: *BadError.
func (c *Client) Month(ctx context.Context, account tx.AccountID, month string) (m pages.Month, err error) {
	return m, c.ask(ctx, http.MethodGet, fmt.Sprintf("/month/%d/%s", account, url.PathEscape(month)), nil, &m)
}

// Today asks for a household's day.
//
// Errors: *BadError.
func (c *Client) Today(ctx context.Context, account tx.AccountID, date string) (t pages.Today, err error) {
	return t, c.ask(ctx, http.MethodGet, fmt.Sprintf("/day/%d/%s", account, url.PathEscape(date)), nil, &t)
}

// Readings asks for what a household's meters said on the days from one to another.
//
// Errors: *BadError.
func (c *Client) Readings(ctx context.Context, account tx.AccountID, from, to string) (list []gateway.Reading, err error) {
	days := url.Values{"from": {from}, "to": {to}}
	return list, c.ask(ctx, http.MethodGet, fmt.Sprintf("/readings/%d?%s", account, days.Encode()), nil, &list)
}

// TraceOf asks where the energy of a household's interval came from and went.
//
// Errors: *BadError.
func (c *Client) TraceOf(ctx context.Context, account tx.AccountID, at string) (t pages.Trace, err error) {
	return t, c.ask(ctx, http.MethodGet, fmt.Sprintf("/trace/%d/%s", account, url.PathEscape(at)), nil, &t)
}

// Crossings asks for what an account sent to other registries and got from them.
//
// Errors: as of Month.
func (c *Client) Crossings(ctx context.Context, account tx.AccountID) (list []pages.Crossing, err error) {
	return list, c.ask(ctx, http.MethodGet, fmt.Sprintf("/crossings/%d", account), nil, &list)
}

// CertifiedMonth asks for the statement of an account's month.
//
// Errors: *BadError.
func (c *Client) CertifiedMonth(ctx context.Context, account tx.AccountID, month string) (m pages.CertifiedMonth, err error) {
	return m, c.ask(ctx, http.MethodGet, fmt.Sprintf("/certified/%d/%s", account, url.PathEscape(month)), nil, &m)
}

// StatementsOf asks where an account's statements of a day stand.
//
// Errors: *BadError.
func (c *Client) StatementsOf(ctx context.Context, account tx.AccountID, date string) (list []proof.Place, err error) {
	return list, c.ask(ctx, http.MethodGet, fmt.Sprintf("/certified/%d/days/%s", account, url.PathEscape(date)), nil, &list)
}

// ProvenOf asks what a receipt of an account says.
//
// Errors: *BadError.
func (c *Client) ProvenOf(ctx context.Context, account tx.AccountID, at proof.Place) (p pages.Proven, err error) {
	return p, c.ask(ctx, http.MethodGet, fmt.Sprintf("/proven/%d/%d/%d/%d", account, at.Height, at.Position, at.N), nil, &p)
}

// CertificateRuns asks for what an account has and used up of certificates.
//
// Errors: as of Month.
func (c *Client) CertificateRuns(ctx context.Context, account tx.AccountID) (list []pages.CertificateRun, err error) {
	return list, c.ask(ctx, http.MethodGet, fmt.Sprintf("/certificate-runs/%d", account), nil, &list)
}

// Holdings asks for the certificates that an account has.
//
// Errors: *BadError.
func (c *Client) Holdings(ctx context.Context, account tx.AccountID) (list []pages.Certificate, err error) {
	return list, c.ask(ctx, http.MethodGet, fmt.Sprintf("/certificates/%d", account), nil, &list)
}

// Record books readings.
func (c *Client) Record(ctx context.Context, r metering.Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var done string
	return c.ask(ctx, http.MethodPost, "/readings", text, &done)
}

// Checkpoint makes a copy of the ledger as it is now in a folder of its own, which
// the caller removes.
func (c *Client) Checkpoint(ctx context.Context) (folder string, err error) {
	return folder, c.ask(ctx, http.MethodPost, "/checkpoint", nil, &folder)
}

// ask sends a request and decodes the answer.
func (c *Client) ask(ctx context.Context, method, path string, body []byte, into any) (err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.Control+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.Token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("the running node does not answer: %w", err)
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, controlBodyMax))
	if err != nil {
		return err
	}
	if answer.StatusCode == http.StatusOK {
		return json.Unmarshal(text, into)
	}
	var no refusal
	if err := json.Unmarshal(text, &no); err != nil {
		return fmt.Errorf("the running node answers %s: %.200s", answer.Status, text)
	}
	if no.Bad {
		return &BadError{no.Text}
	}
	return errors.New(no.Text)
}
