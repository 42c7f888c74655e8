package live

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/certificate"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/quantity"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Rule and Rules are as the interface has them.
type (
	Rule  = api.Rule
	Rules = api.Rules
)

// Rules are those that hold in the first open interval.
func (r *Registrar) Rules(ctx context.Context, account tx.AccountID) (is Rules, err error) {
	err = r.Between(ctx, func(ctx context.Context, c *community.Community) error {
		var list []certificate.Rule
		r.Node.Read(func(rows state.Reader, _ machine.Head) {
			m, _ := grid.At(rows, c.Microgrid())
			list = certificate.RulesAt(rows, account, m.Open)
			is.From = time.Unix(int64(m.Open), 0).UTC().Format(time.RFC3339)
		})
		is.Rules = []Rule{}
		for _, rule := range list {
			said := Rule{SharePPM: rule.SharePPM, Most: int64(rule.Most)}
			if rule.To != 0 {
				said.To = holderName(c, rule.To)
			} else {
				said.Statement, said.Purpose = hex.EncodeToString(rule.Beneficiary), pages.Purposes[rule.Purpose]
				var s Statement // It may be kept by somebody else, who set the rule.
				if text, err := r.Statement(ctx, account, said.Statement); err == nil && json.Unmarshal(text, &s) == nil {
					said.Beneficiary = s.Beneficiary
				}
			}
			is.Rules = append(is.Rules, said)
		}
		return nil
	})
	return is, err
}

// SetRules sets an account's standing rules, in place of those before. Who is named as
// a beneficiary is named in a statement, as by a cancellation.
//
// Errors: *api.Unfit; a refusal of the ledger.
func (r *Registrar) SetRules(ctx context.Context, account tx.AccountID, ask Rules, dry bool) (is Rules, err error) {
	err = r.Between(ctx, func(ctx context.Context, c *community.Community) error {
		from, err := r.rulesFrom(c, ask.From)
		if err != nil {
			return err
		}
		o, said, statements, err := r.rulesOf(c, account, from, ask.Rules)
		is = Rules{DryRun: dry, From: time.Unix(int64(from), 0).UTC().Format(time.RFC3339), Rules: said}
		if err != nil {
			return err
		}
		if dry {
			for n := range said {
				said[n].Statement = "" // None is kept.
			}
			return r.book(ctx, certificate.SetRulesKind.Encode(o), true)
		}
		for _, s := range statements { // They come first: no hash on the ledger without its statement.
			if err := r.keep(s); err != nil {
				return err
			}
		}
		err = r.book(ctx, certificate.SetRulesKind.Encode(o), false)
		if refusedByLedger(err) {
			for _, s := range statements {
				err = errors.Join(err, r.forget(s))
			}
		}
		return err
	})
	return is, err
}

// rulesOf is what is asked for, as an operation, and what names the beneficiaries.
func (r *Registrar) rulesOf(c *community.Community, account tx.AccountID, from interval.Time, asked []Rule) (o certificate.SetRules, said []Rule, statements []written, err error) {
	o, said = certificate.SetRules{Account: account, From: from, Rules: []certificate.Rule{}}, []Rule{}
	for _, ask := range asked {
		rule := certificate.Rule{SharePPM: ask.SharePPM, Most: quantity.Energy(ask.Most)}
		if ask.Beneficiary == "" {
			if rule.To, ask.To, err = receiver(c, ask.To); err != nil {
				return o, said, nil, err
			}
		} else {
			if rule.Purpose, err = purposeOf(ask.Purpose); err != nil {
				return o, said, nil, err
			}
			s := r.statement(c, account, api.Cancellation{Beneficiary: ask.Beneficiary, Purpose: ask.Purpose, Note: "by a standing rule"}, choice{})
			rule.Beneficiary, ask.Statement, statements = s.hash[:], s.name, append(statements, s)
		}
		o.Rules, said = append(o.Rules, rule), append(said, ask)
	}
	return o, said, statements, nil
}

// rulesFrom is when rules begin to hold.
func (r *Registrar) rulesFrom(c *community.Community, day string) (from interval.Time, err error) {
	r.Node.Read(func(rows state.Reader, _ machine.Head) {
		m, _ := grid.At(rows, c.Microgrid())
		from = m.Open
	})
	if day == "" {
		return from, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, day, c.TimeZone)
	if err != nil {
		return 0, &api.Unfit{Text: "there is no day " + strconv.Quote(day) + ": write it as in 2026-07-01"}
	}
	return interval.Time(t.Unix()), nil
}

// rulesObey serves the requests of the command that sets rules.
func rulesObey(mux *http.ServeMux, registrar *Registrar) {
	mux.HandleFunc("GET /certificates/{account}/rules", func(w http.ResponseWriter, r *http.Request) {
		is, err := registrar.Rules(r.Context(), accountOf(r))
		tell(w, is, err)
	})
	mux.HandleFunc("POST /certificates/{account}/rules", func(w http.ResponseWriter, r *http.Request) {
		asked(w, r, func(ask Rules, dry bool) (Rules, error) {
			return registrar.SetRules(r.Context(), accountOf(r), ask, dry)
		})
	})
}

// Rules are the standing rules of an account.
//
// Errors: *BadError.
func (c *Client) Rules(ctx context.Context, account tx.AccountID) (is Rules, err error) {
	return is, c.ask(ctx, http.MethodGet, fmt.Sprintf("/certificates/%d/rules", account), nil, &is)
}

// SetRules sets the standing rules of an account, or, in a dry run, says which.
//
// Errors: *BadError.
func (c *Client) SetRules(ctx context.Context, account tx.AccountID, ask Rules, dryRun bool) (Rules, error) {
	return askRegistrar[Rules](ctx, c, account, "rules", ask, dryRun)
}
