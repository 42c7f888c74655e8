package live

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/broker"
	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// AddressFile is where a running node leaves, in its folder, how the commands on
// the same machine reach it. It lets in whoever can read it: 0600.
const AddressFile = "up.json"

// address is what the file holds.
type address struct {
	Origin  string `json:"origin"`  // What people open.
	Control string `json:"control"` // On the loopback.
	Token   string `json:"token"`
}

// Running is what a running node says of itself.
type Running struct {
	node.Status
	Origin  string        `json:"origin,omitempty"`  // Empty: it does not run.
	Gateway *broker.State `json:"gateway,omitempty"` // Absent: devices cannot connect.

	ReadModel node.ReadModel `json:"read_model"`
	Signer    *chain.Signer  `json:"signer,omitempty"` // Absent: the folder has the validator's key.
}

// refusal is how the control tells an error.
type refusal struct {
	Bad  bool   `json:"bad"` // What was given is bad, and nothing was changed.
	Text string `json:"text"`
}

// Bounds of requests; whoever asks is a command on this machine.
const (
	controlBodyMax = 64 << 20
	controlTimeout = 5 * time.Second
	gatewayTimeout = time.Second // For which a gateway of another process is asked how it is.
)

// Control lets commands on the same machine ask and change the running node, until
// the context ends. They find it by a file in the folder, which is gone afterwards.
func (l *Live) Control(ctx context.Context) (stop func() error, err error) {
	var cfg net.ListenConfig
	listener, err := cfg.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // It never fails.
	a := address{l.Origin, "http://" + listener.Addr().String(), base64.RawURLEncoding.EncodeToString(secret[:])}
	text, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	path := filepath.Join(l.Dir, AddressFile)
	if err := errors.Join(dropCheckpoints(l.Dir), os.RemoveAll(path), os.WriteFile(path, append(text, '\n'), 0o600)); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: l.handler(ctx, a.Token), ReadHeaderTimeout: controlTimeout}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return func() error {
		err := errors.Join(os.RemoveAll(path), server.Close())
		if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return errors.Join(err, dropCheckpoints(l.Dir))
	}, nil
}

// handler answers whoever knows the token, while life goes on.
func (l *Live) handler(life context.Context, token string) http.Handler {
	mux := http.NewServeMux()
	l.answers(life, mux)
	l.networkAnswers(mux)
	l.networkObeys(life, mux)
	if l.follows() {
		l.obeysFollower(life, mux)
	} else {
		l.obeys(life, mux)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get("Authorization")
		if subtle.ConstantTimeCompare([]byte(given), []byte("Bearer "+token)) != 1 {
			http.Error(w, "this is for commands that can read "+AddressFile+" in the node's folder", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// answers serves the requests that change nothing.
func (l *Live) answers(life context.Context, mux *http.ServeMux) {
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		s, err := l.status(r.Context())
		tell(w, s, err)
	})
	mux.HandleFunc("GET /meters", func(w http.ResponseWriter, _ *http.Request) {
		var list []Meter
		err := l.between(life, func(context.Context) error {
			c, err := l.told()
			if err == nil {
				l.Node.Read(func(rows state.Reader, _ machine.Head) { list = Meters(rows, c, l.Now()) })
			}
			return err
		})
		tell(w, list, err)
	})
	mux.HandleFunc("GET /month/{account}/{month}", func(w http.ResponseWriter, r *http.Request) {
		m, err := seen(l, r, func() (pages.Month, error) { return l.Source.Month(r.Context(), accountOf(r), r.PathValue("month")) })
		tell(w, m, err)
	})
	mux.HandleFunc("GET /day/{account}/{date}", func(w http.ResponseWriter, r *http.Request) {
		t, err := seen(l, r, func() (pages.Today, error) { return l.Source.Today(r.Context(), accountOf(r), r.PathValue("date")) })
		tell(w, t, err)
	})
	mux.HandleFunc("GET /readings/{account}", l.readings)
	l.certifies(mux)
	mux.HandleFunc("GET /trace/{account}/{time}", func(w http.ResponseWriter, r *http.Request) {
		t, err := seen(l, r, func() (pages.Trace, error) { return l.Source.TraceOf(r.Context(), accountOf(r), r.PathValue("time")) })
		tell(w, t, err)
	})
	mux.HandleFunc("GET /crossings/{account}", func(w http.ResponseWriter, r *http.Request) {
		list, err := seen(l, r, func() ([]pages.Crossing, error) { return l.Source.Crossings(r.Context(), accountOf(r)) })
		tell(w, list, err)
	})
	mux.HandleFunc("GET /certificate-runs/{account}", func(w http.ResponseWriter, r *http.Request) {
		list, err := seen(l, r, func() ([]pages.CertificateRun, error) { return l.Source.CertificateRuns(r.Context(), accountOf(r)) })
		tell(w, list, err)
	})
	mux.HandleFunc("POST /prove", func(w http.ResponseWriter, r *http.Request) {
		b, err := l.prove(w, r)
		tell(w, b, err)
	})
	mux.HandleFunc("GET /trust/{height}", func(w http.ResponseWriter, r *http.Request) {
		t, err := l.trust(r.PathValue("height"))
		tell(w, t, err)
	})
	mux.HandleFunc("GET /certificates/{account}", func(w http.ResponseWriter, r *http.Request) {
		list, err := seen(l, r, func() ([]pages.Certificate, error) { return l.Source.Holdings(r.Context(), accountOf(r)) })
		tell(w, list, err)
	})
}

// obeys serves the requests that change something.
func (l *Live) obeys(life context.Context, mux *http.ServeMux) {
	mux.HandleFunc("PUT /community", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, controlBodyMax))
		var booked []string
		if err == nil {
			err = l.between(life, func(ctx context.Context) (err error) {
				booked, err = l.change(ctx, text, r.URL.Query().Has("dry_run"))
				return err
			})
		}
		tell(w, booked, err)
	})
	mux.HandleFunc("POST /operations", func(w http.ResponseWriter, r *http.Request) {
		receipts, err := l.operate(life, w, r)
		tell(w, receipts, err)
	})
	mux.HandleFunc("POST /readings", func(w http.ResponseWriter, r *http.Request) {
		var record metering.Record
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyMax)).Decode(&record)
		if err == nil {
			err = l.between(life, func(ctx context.Context) error {
				return l.Operator.Submit(ctx, []tx.Operation{metering.RecordKind.Encode(record)})
			})
		}
		tell(w, "booked", err)
	})
	l.links(life, mux)
	l.copies(life, mux)
	mux.HandleFunc("POST /credentials", func(w http.ResponseWriter, r *http.Request) {
		var meters []string
		var list []Credential
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBodyMax)).Decode(&meters)
		if err == nil {
			err = l.between(life, func(context.Context) (err error) {
				list, err = Credentials(l.community, l.Devices, meters)
				return err
			})
		}
		tell(w, list, err)
	})
	l.registrarObeys(mux)
	mux.HandleFunc("POST /code", func(w http.ResponseWriter, r *http.Request) { l.enrolCode(life, w, r) })
	mux.HandleFunc("POST /key", func(w http.ResponseWriter, r *http.Request) { l.deviceKey(life, w, r) })
	mux.HandleFunc("POST /keys", func(w http.ResponseWriter, r *http.Request) { l.deviceKeys(life, w, r) })
}

// links serves requests for one-time links, which are good at this node alone.
func (l *Live) links(life context.Context, mux *http.ServeMux) {
	mux.HandleFunc("POST /link/{who}", func(w http.ResponseWriter, r *http.Request) {
		link := ""
		err := l.between(life, func(context.Context) error {
			p, err := l.person(r.PathValue("who"))
			if err != nil {
				return err
			}
			token, err := l.Sessions.Link(p)
			link = l.Origin + "/signin#" + token
			return err
		})
		tell(w, link, err)
	})
}

// copies serves requests for a copy of the ledger.
func (l *Live) copies(life context.Context, mux *http.ServeMux) {
	mux.HandleFunc("POST /checkpoint", func(w http.ResponseWriter, _ *http.Request) {
		folder, err := l.checkpoint(life)
		tell(w, folder, err)
	})
}

// status is what a running node says of itself.
func (l *Live) status(ctx context.Context) (Running, error) {
	s := Running{Status: l.Node.Status(), Origin: l.Origin, ReadModel: l.Node.ReadModel(), Signer: l.Node.Signer()}
	if l.Gateway == nil {
		return s, nil
	}
	ctx, cancel := context.WithTimeout(ctx, gatewayTimeout)
	defer cancel()
	g, err := l.Gateway.State(ctx)
	if err != nil {
		g.Fault = err.Error() // The node is well: commands find it, and its gateway may come back.
	}
	s.Gateway = &g
	return s, nil
}

// readings answers with what a household's meters said on some days.
func (l *Live) readings(w http.ResponseWriter, r *http.Request) {
	days := r.URL.Query()
	list, err := seen(l, r, func() ([]gateway.Reading, error) {
		return l.Source.Readings(r.Context(), accountOf(r), days.Get("from"), days.Get("to"))
	})
	tell(w, list, err)
}

// seen reads a page once it shows everything that the ledger holds: a command that
// comes after another finds what that one booked.
func seen[T any](l *Live, r *http.Request, read func() (T, error)) (T, error) {
	if err := l.Node.Seen(r.Context(), l.Node.Height()); err != nil {
		var none T
		return none, err
	}
	return read()
}

// accountOf is the account that a request names; what is no number is nobody's.
func accountOf(r *http.Request) tx.AccountID {
	n, err := strconv.ParseUint(r.PathValue("account"), 10, 64)
	if err != nil {
		return 0
	}
	return tx.AccountID(n)
}

// refusedByLedger reports whether an operation was refused.
func refusedByLedger(err error) bool {
	_, refused := errors.AsType[*op.Refusal](err)
	return refused
}

// tell answers with a value, or with why there is none.
func tell(w http.ResponseWriter, value any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		_, file := errors.AsType[*operator.FileError](err)
		_, text := errors.AsType[*community.Refused](err)
		_, nothing := errors.AsType[*pages.NotFound](err)
		nothing = nothing || errors.Is(err, fs.ErrNotExist)
		_, unfit := errors.AsType[*api.Unfit](err)
		w.WriteHeader(http.StatusUnprocessableEntity)
		value = refusal{Bad: file || text || nothing || unfit, Text: err.Error()}
	}
	_ = json.NewEncoder(w).Encode(value) // Whoever went away needs none.
}
