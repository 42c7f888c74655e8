package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/tx"
)

// Certificates passes certificates on and uses them up, for accounts that the operator
// signs for. With dry nothing is signed: the answer says what would move.
type Certificates interface {
	// Transfer passes certificates on. Errors: *pages.NotFound when there is no such
	// account; *Unfit; a refusal of the ledger.
	Transfer(ctx context.Context, account tx.AccountID, t Transfer, dry bool) (Passing, error)

	// Cancel uses certificates up for a beneficiary, whom a statement names. Errors: as
	// Transfer.
	Cancel(ctx context.Context, account tx.AccountID, c Cancellation, dry bool) (Passing, error)

	// Rules are the standing rules of an account.
	Rules(ctx context.Context, account tx.AccountID) (Rules, error)

	// SetRules sets an account's standing rules, in place of those before. Errors: as
	// Transfer.
	SetRules(ctx context.Context, account tx.AccountID, r Rules, dry bool) (Rules, error)

	// Statement returns a statement as its hash is of it. Errors: *pages.NotFound.
	Statement(ctx context.Context, account tx.AccountID, sha256 string) ([]byte, error)

	// Consume keeps what a buyer says that it used, in place of what it said before.
	// Errors: *Unfit; those of the disk.
	Consume(ctx context.Context, account tx.AccountID, text []byte) (int, error)
}

// Unfit says that what was asked for cannot be done, and what to ask for instead.
type Unfit struct{ Text string }

// Error says so.
func (e *Unfit) Error() string { return e.Text }

// Selection is which certificates: the oldest first, which expire first.
type Selection struct {
	Energy int64  `json:"energy_wh" minimum:"1" doc:"how much"`
	Month  string `json:"month,omitempty" required:"false" maxLength:"7" doc:"of this month only" example:"2026-06"`
	Device string `json:"device,omitempty" required:"false" maxLength:"64" doc:"of this device only: its number, or what its meter is called"`
}

// Transfer is certificates that are to be passed on.
type Transfer struct {
	Selection
	To string `json:"to" minLength:"1" maxLength:"64" doc:"a member or a buyer by its name in the community file, or the number of an account"`
}

// Cancellation is certificates that are to be used up.
type Cancellation struct {
	Selection
	Beneficiary string `json:"beneficiary" minLength:"1" maxLength:"200" doc:"for whom: a name, which the statement has and the ledger does not"`
	Purpose     string `json:"purpose" enum:"disclosure,product,other"`
	Note        string `json:"note,omitempty" required:"false" maxLength:"500" doc:"goes into the statement"`
}

// Rule is a standing rule of an account, with names in place of numbers and hashes.
type Rule struct {
	SharePPM    uint32 `json:"share_ppm,omitempty" required:"false" maximum:"1000000" doc:"millionths of what the account has of an interval; or"`
	Most        int64  `json:"most_wh,omitempty" required:"false" minimum:"0" doc:"at most so many Wh of it"`
	To          string `json:"to,omitempty" required:"false" maxLength:"64" doc:"who gets it, as of a transfer; or"`
	Beneficiary string `json:"beneficiary,omitempty" required:"false" maxLength:"200" doc:"for whom it is used up"`
	Purpose     string `json:"purpose,omitempty" required:"false" enum:"disclosure,product,other"`
	Statement   string `json:"statement,omitempty" required:"false" maxLength:"64" doc:"SHA-256 of what names the beneficiary, in hexadecimal"`
}

// Rules are the standing rules of an account from an interval on.
type Rules struct {
	DryRun bool   `json:"dry_run" required:"false"`
	From   string `json:"from" required:"false" maxLength:"40" doc:"RFC 3339; as it is asked for, a day, or empty: the first open interval"`
	Rules  []Rule `json:"rules" maxItems:"16" doc:"the first one first"`
}

// Passing is what was passed on or used up, or would be.
type Passing struct {
	DryRun      bool          `json:"dry_run" doc:"nothing was done"`
	Energy      pages.Energy  `json:"energy"`
	Lots        int           `json:"lots"`
	First       interval.Time `json:"first" doc:"start of the first lot"`
	Last        interval.Time `json:"last" doc:"start of the last one"`
	To          string        `json:"to,omitempty"`
	Beneficiary string        `json:"beneficiary,omitempty"`
	Left        pages.Energy  `json:"left" doc:"what the account has of final certificates afterwards"`
	Statement   string        `json:"statement,omitempty" doc:"SHA-256 of the statement, in hexadecimal; of a dry run none is made"`

	Parts []pages.Certificate `json:"parts" doc:"by lot"`
}

// Consumption says how much was read.
type Consumption struct {
	Rows int `json:"rows"`
}

// certificateAnswer turns an error of Certificates into what a client is told.
func certificateAnswer(ctx context.Context, err error) error {
	if no, ok := errors.AsType[*Unfit](err); ok {
		return huma.Error422UnprocessableEntity(no.Text)
	}
	if no, ok := errors.AsType[*op.Refusal](err); ok {
		return huma.Error409Conflict("the ledger refuses: " + no.Error() + "; nothing was booked")
	}
	return answer(ctx, err)
}

// certified answers to who has an account.
func certified[T any](ctx context.Context, a *API, text string, f func(tx.AccountID) (T, error)) (*body[T], error) {
	account, err := a.seesAccount(ctx, text)
	if err != nil {
		return nil, answer(ctx, err)
	}
	if a.Certificates == nil {
		return nil, huma.NewError(http.StatusServiceUnavailable, "this node passes no certificates on: it only shows them")
	}
	v, err := f(account)
	if err != nil {
		return nil, certificateAnswer(ctx, err)
	}
	return reply(v), nil
}

type ofYear struct {
	Account string `path:"account" doc:"the account of a household or a buyer"`
	Year    int    `path:"year" example:"2026"`
}

type gridYear struct {
	Microgrid string `path:"microgrid"`
	Year      int    `path:"year" example:"2026"`
}

const ofAccounts = Prefix + "/accounts/{account}"

func (a *API) registerCertificates() {
	tag := []string{"Certificates"}
	huma.Register(a.huma, huma.Operation{
		OperationID: "certificates", Method: http.MethodGet, Path: ofAccounts + "/certificates", Tags: tag,
		Summary: "What an account has of certificates, and what became of others",
	}, func(ctx context.Context, in *struct {
		Account string `path:"account" doc:"the account of a household or a buyer"`
	},
	) (*body[pages.Certificates], error) {
		return ofAccount(ctx, a, in.Account, func(account tx.AccountID) (pages.Certificates, error) {
			return a.Source.Certificates(ctx, visitorOf(ctx).Viewer, account)
		})
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "certificate-lots", Method: http.MethodGet, Path: ofAccounts + "/certificates/{month}/lots", Tags: tag,
		Summary: "What an account has of a month's lots",
	}, func(ctx context.Context, in *struct {
		Account string `path:"account" doc:"the account of a household or a buyer"`
		Month   string `path:"month" example:"2026-06"`
		Device  string `query:"device" doc:"of this device only"`
	},
	) (*body[[]pages.HeldLot], error) {
		return ofAccount(ctx, a, in.Account, func(account tx.AccountID) ([]pages.HeldLot, error) {
			n, err := strconv.ParseUint(in.Device, 10, 64)
			if err != nil && in.Device != "" {
				return nil, &pages.NotFound{What: "device " + strconv.Quote(in.Device), Next: "it is a number; what the account has says which"}
			}
			return a.Source.CertificateLots(ctx, visitorOf(ctx).Viewer, account, in.Month, grid.DeviceID(n))
		})
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "matching-of", Method: http.MethodGet, Path: ofAccounts + "/matching/{year}", Tags: tag,
		Summary: "How well production met an account's use, hour by hour of a year",
	}, func(ctx context.Context, in *ofYear) (*body[pages.MatchYear], error) {
		return ofAccount(ctx, a, in.Account, func(account tx.AccountID) (pages.MatchYear, error) {
			return a.Source.MatchingOf(ctx, account, in.Year)
		})
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "matching-of-csv", Method: http.MethodGet, Path: ofAccounts + "/matching/{year}/hours.csv", Tags: tag,
		Summary: "The same as a spreadsheet, with what the rest emitted", Responses: csvResponse(),
	}, func(ctx context.Context, in *ofYear) (*spreadsheet, error) {
		account, err := a.seesAccount(ctx, in.Account)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return a.matchingCSV(ctx, 0, account, in.Year)
	})
	a.registerMatching(tag)
	a.registerPassing(tag)
	a.registerStatements(tag)
	a.registerRules(tag)
}

// matchingCSV answers with the hours of a year.
func (a *API) matchingCSV(ctx context.Context, m grid.MicrogridID, account tx.AccountID, year int) (*spreadsheet, error) {
	return csv(ctx, "matching-"+strconv.Itoa(year)+".csv", func(w io.Writer) error {
		return a.Source.MatchingCSV(ctx, w, visitorOf(ctx).Viewer, m, account, year)
	})
}

// registerMatching registers what is told of all of a microgrid.
func (a *API) registerMatching(tag []string) {
	huma.Register(a.huma, huma.Operation{
		OperationID: "matching", Method: http.MethodGet, Path: Prefix + "/microgrids/{microgrid}/matching/{year}", Tags: tag,
		Summary: "How well production met use in a microgrid's year, hour by hour, for anyone",
	}, func(ctx context.Context, in *gridYear) (*body[pages.MatchYear], error) {
		m, err := microgridID(in.Microgrid)
		if err != nil {
			return nil, answer(ctx, err)
		}
		y, err := a.Source.Matching(ctx, visitorOf(ctx).Viewer, m, in.Year)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return reply(y), nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "matching-csv", Method: http.MethodGet, Path: Prefix + "/microgrids/{microgrid}/matching/{year}/hours.csv", Tags: tag,
		Summary: "The same as a spreadsheet, with what the rest emitted", Responses: csvResponse(),
	}, func(ctx context.Context, in *gridYear) (*spreadsheet, error) {
		m, err := microgridID(in.Microgrid)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return a.matchingCSV(ctx, m, 0, in.Year)
	})
}

// registerPassing registers what moves certificates.
func (a *API) registerPassing(tag []string) {
	const dry = "With dry_run nothing is signed: the answer says what would move, lot by lot. The oldest certificates go first."
	huma.Register(a.huma, huma.Operation{
		OperationID: "certificates-transfer", Method: http.MethodPost, Path: ofAccounts + "/certificates/transfer", Tags: tag,
		Summary: "Pass certificates on to another account", Description: dry,
	}, func(ctx context.Context, in *struct {
		Account string `path:"account" doc:"the account of a household or a buyer"`
		DryRun  bool   `query:"dry_run"`
		Body    Transfer
	},
	) (*body[Passing], error) {
		return certified(ctx, a, in.Account, func(account tx.AccountID) (Passing, error) {
			return a.Certificates.Transfer(ctx, account, in.Body, in.DryRun)
		})
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "certificates-cancel", Method: http.MethodPost, Path: ofAccounts + "/certificates/cancel", Tags: tag,
		Summary: "Use certificates up for a beneficiary", Description: dry,
	}, func(ctx context.Context, in *struct {
		Account string `path:"account" doc:"the account of a household or a buyer"`
		DryRun  bool   `query:"dry_run"`
		Body    Cancellation
	},
	) (*body[Passing], error) {
		return certified(ctx, a, in.Account, func(account tx.AccountID) (Passing, error) {
			return a.Certificates.Cancel(ctx, account, in.Body, in.DryRun)
		})
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "consume", Method: http.MethodPost, Path: ofAccounts + "/consumption", Tags: tag,
		Summary:      "Say what a buyer used, which its certificates are held against",
		Description:  "A CSV of start (RFC 3339) and wh, in rows of an hour at most. It takes the place of an earlier one, and is on no ledger.",
		MaxBodyBytes: consumptionMax,
	}, func(ctx context.Context, in *struct {
		Account string `path:"account" doc:"the account of a buyer"`
		RawBody []byte `contentType:"text/csv"`
	},
	) (*body[Consumption], error) {
		return certified(ctx, a, in.Account, func(account tx.AccountID) (Consumption, error) {
			rows, err := a.Certificates.Consume(ctx, account, in.RawBody)
			return Consumption{rows}, err
		})
	})
}

// consumptionMax bounds a buyer's file: years of quarter-hours.
const consumptionMax = 4 << 20

// document is a file with a name to save it under.
type document struct {
	ContentType  string `header:"Content-Type"`
	Disposition  string `header:"Content-Disposition"`
	CacheControl string `header:"Cache-Control"`
	Body         []byte
}

type ofStatement struct {
	Account string `path:"account" doc:"the account of a household or a buyer"`
	SHA256  string `path:"sha256" maxLength:"64" doc:"of the statement, in hexadecimal"`
}

// registerStatements registers the statements that name beneficiaries.
func (a *API) registerStatements(tag []string) {
	huma.Register(a.huma, huma.Operation{
		OperationID: "cancellation", Method: http.MethodGet, Path: ofAccounts + "/cancellations/{sha256}", Tags: tag,
		Summary: "A statement of cancelled certificates, byte by byte as its hash on the ledger is of it",
		Responses: map[string]*huma.Response{"200": {
			Description: "canonical JSON",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}},
		}},
	}, func(ctx context.Context, in *ofStatement) (*document, error) {
		text, err := certified(ctx, a, in.Account, func(account tx.AccountID) ([]byte, error) {
			return a.Certificates.Statement(ctx, account, in.SHA256)
		})
		if err != nil {
			return nil, err
		}
		return &document{"application/json", `attachment; filename="cancellation-` + in.SHA256[:16] + `.json"`, private, text.Body}, nil
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "cancellation-csv", Method: http.MethodGet, Path: ofAccounts + "/cancellations/{sha256}/lots.csv", Tags: tag,
		Summary: "Its lots as a spreadsheet, with their serials", Responses: csvResponse(),
	}, func(ctx context.Context, in *ofStatement) (*spreadsheet, error) {
		account, err := a.seesAccount(ctx, in.Account)
		if err != nil {
			return nil, answer(ctx, err)
		}
		return csv(ctx, "cancellation.csv", func(w io.Writer) error {
			return a.Source.CancellationCSV(ctx, w, visitorOf(ctx).Viewer, account, in.SHA256)
		})
	})
}

// registerRules registers what becomes of certificates by themselves.
func (a *API) registerRules(tag []string) {
	const path = ofAccounts + "/certificates/rules"
	huma.Register(a.huma, huma.Operation{
		OperationID: "certificate-rules", Method: http.MethodGet, Path: path, Tags: tag,
		Summary: "An account's standing rules: what becomes of its certificates of each interval as it becomes final",
	}, func(ctx context.Context, in *struct {
		Account string `path:"account" doc:"the account of a household or a buyer"`
	},
	) (*body[Rules], error) {
		return certified(ctx, a, in.Account, func(account tx.AccountID) (Rules, error) { return a.Certificates.Rules(ctx, account) })
	})
	huma.Register(a.huma, huma.Operation{
		OperationID: "certificate-set-rules", Method: http.MethodPost, Path: path, Tags: tag,
		Summary: "Set an account's standing rules, in place of those before", Description: "With dry_run nothing is signed: what would hold is told, or a refusal.",
	}, func(ctx context.Context, in *struct {
		Account string `path:"account" doc:"the account of a household or a buyer"`
		DryRun  bool   `query:"dry_run"`
		Body    Rules
	},
	) (*body[Rules], error) {
		return certified(ctx, a, in.Account, func(account tx.AccountID) (Rules, error) {
			return a.Certificates.SetRules(ctx, account, in.Body, in.DryRun)
		})
	})
}
