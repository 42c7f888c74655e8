package live

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/state"
	"github.com/commonwatt/commonwatt/tx"
)

// Folders of a node's folder: what is said of certificates that are off the ledger.
const (
	StatementsDir  = "statements"
	ConsumptionDir = "consumption"
)

// Statement says for whom certificates were used up. Its bytes, as they are kept, are
// what the hash on the ledger is of; the salt keeps names from being guessed.
type Statement struct {
	Format      string         `json:"format"` // commonwatt/cancellation/1
	Chain       string         `json:"chain"`
	Community   string         `json:"community"`
	Microgrid   string         `json:"microgrid"` // Numbers are in words: JavaScript would round them.
	Account     string         `json:"account"`
	Holder      string         `json:"holder"`
	Beneficiary string         `json:"beneficiary"`
	Purpose     string         `json:"purpose"`
	Note        string         `json:"note,omitempty"`
	Made        string         `json:"made"` // RFC 3339.
	Energy      int64          `json:"energy_wh"`
	Lots        []StatementLot `json:"lots"`
	Salt        string         `json:"salt"` // 128 random bits in hexadecimal.
}

// StatementLot is energy of a lot that a statement is about.
type StatementLot struct {
	Start  string `json:"start"` // Of the interval, RFC 3339, UTC.
	Device string `json:"device"`
	Kind   string `json:"kind"` // Of the device, as the community file has it.
	Energy int64  `json:"energy_wh"`
}

// StatementFormat names the fields of a statement, and their order.
const StatementFormat = "commonwatt/cancellation/1"

// chain names the ledger.
func (r *Registrar) chain() (name string) {
	r.Node.Read(func(_ state.Reader, head machine.Head) { name = head.ChainID })
	return name
}

// written is a statement as it is kept.
type written struct {
	name string // Its hash in hexadecimal.
	hash [sha256.Size]byte
	text []byte
}

// statement writes a statement of what was chosen.
func (r *Registrar) statement(c *community.Community, account tx.AccountID, asked api.Cancellation, chosen choice) written {
	var salt [16]byte
	_, _ = rand.Read(salt[:]) // It never fails.
	s := Statement{
		Format: StatementFormat, Chain: r.chain(), Community: c.Name, Microgrid: strconv.FormatUint(uint64(c.Microgrid()), 10),
		Account: strconv.FormatUint(uint64(account), 10), Holder: holderName(c, account), Beneficiary: asked.Beneficiary,
		Purpose: asked.Purpose, Note: asked.Note, Made: r.Now().UTC().Format(time.RFC3339),
		Energy: chosen.told.Energy.Wh, Lots: lotsOf(c, chosen), Salt: hex.EncodeToString(salt[:]),
	}
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetEscapeHTML(false)
	if err := out.Encode(s); err != nil {
		panic("live: a statement cannot be written: " + err.Error()) // It is words and numbers.
	}
	w := written{hash: sha256.Sum256(text.Bytes()), text: text.Bytes()}
	w.name = hex.EncodeToString(w.hash[:])
	return w
}

// lotsOf are the lots of what was chosen.
func lotsOf(c *community.Community, chosen choice) []StatementLot {
	list := []StatementLot{} // A rule's is of none yet.
	kinds := map[grid.DeviceID]string{}
	for _, id := range c.Meters().All() {
		m, _ := c.Meters().Get(id)
		kinds[c.DeviceID(id)] = community.KindName(m.Kind)
	}
	for _, p := range chosen.parts {
		list = append(list, StatementLot{
			time.Unix(int64(p.Start), 0).UTC().Format(time.RFC3339), strconv.FormatUint(uint64(p.Device), 10), kinds[p.Device], int64(p.Energy),
		})
	}
	return list
}

// holderName is what an account is called in the community's file.
func holderName(c *community.Community, account tx.AccountID) string {
	for _, m := range c.Members {
		if c.Account(m.Name) == account {
			return m.Name
		}
	}
	for _, b := range c.Buyers {
		if c.Account(b.Name) == account {
			return b.Name
		}
	}
	return strconv.FormatUint(uint64(account), 10)
}

func (r *Registrar) statementPath(name string) string {
	return filepath.Join(r.Dir, StatementsDir, name+".json")
}

// keep keeps a statement, whole or not at all.
func (r *Registrar) keep(s written) error { return keepFile(r.statementPath(s.name), s.text) }

func (r *Registrar) forget(s written) error { return os.Remove(r.statementPath(s.name)) }

// keepFile writes a file of a folder, which it makes.
func keepFile(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("live: %w", err)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".draft-*")
	if err != nil {
		return fmt.Errorf("live: %w", err)
	}
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Sync(), draft.Close()); err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("live: %w", err), os.Remove(draft.Name()))
	}
	return nil
}

// Statement returns a statement of an account, as its hash is of it.
//
// Errors: *pages.NotFound.
func (r *Registrar) Statement(_ context.Context, account tx.AccountID, name string) ([]byte, error) {
	none := &pages.NotFound{What: fmt.Sprintf("statement %.80q of this account", name), Next: "what became of its certificates lists those that there are"}
	if len(name) != 2*sha256.Size || strings.Trim(name, "0123456789abcdef") != "" {
		return nil, none
	}
	text, err := os.ReadFile(r.statementPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, none
	}
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	var s Statement
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != name || json.Unmarshal(text, &s) != nil {
		return nil, fmt.Errorf("live: %s is not what was kept: bring it back from a backup", r.statementPath(name))
	}
	if s.Account != strconv.FormatUint(uint64(account), 10) {
		return nil, none
	}
	return text, nil
}

// ConsumptionHeader is the header of what a buyer brings.
const ConsumptionHeader = "start,wh"

// consumedMax bounds the energy of a row: 10 GW for an hour.
const consumedMax = 10_000_000_000

// Consume keeps what a buyer says that it used, in place of what it said before.
//
// Errors: *api.Unfit; those of the disk.
func (r *Registrar) Consume(ctx context.Context, account tx.AccountID, text []byte) (rows int, err error) {
	list, err := consumed(text)
	if err != nil {
		return 0, err
	}
	err = r.Between(ctx, func(_ context.Context, c *community.Community) error {
		if !slices.ContainsFunc(c.Buyers, func(b community.Buyer) bool { return c.Account(b.Name) == account }) {
			return &api.Unfit{Text: "only a buyer says what it used: of a household, its meters do"}
		}
		return keepFile(r.consumptionPath(account), text)
	})
	return len(list), err
}

func (r *Registrar) consumptionPath(account tx.AccountID) string {
	return filepath.Join(r.Dir, ConsumptionDir, strconv.FormatUint(uint64(account), 10)+".csv")
}

// Consumption is what a buyer said that it used, by start.
//
// Errors: those of the disk.
func (r *Registrar) Consumption(account tx.AccountID) ([]pages.Consumed, error) {
	text, err := os.ReadFile(r.consumptionPath(account))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	return consumed(text)
}

// consumed reads a CSV of starts and what was used from there on.
//
// Errors: *api.Unfit, with the line.
func consumed(text []byte) (list []pages.Consumed, err error) {
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	reader.FieldsPerRecord, reader.ReuseRecord = 2, true
	unfit := func(format string, args ...any) error {
		line, _ := reader.FieldPos(0)
		return &api.Unfit{Text: fmt.Sprintf("line %d: ", line) + fmt.Sprintf(format, args...) + "; nothing was kept"}
	}
	header, err := reader.Read()
	if err != nil || strings.Join(header, ",") != ConsumptionHeader {
		return nil, &api.Unfit{Text: "line 1: the header is not " + ConsumptionHeader + "; nothing was kept"}
	}
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, &api.Unfit{Text: err.Error() + ": a row is a start and an energy; nothing was kept"}
		}
		at, bad := time.Parse(time.RFC3339, row[0])
		wh, odd := strconv.ParseInt(row[1], 10, 64)
		start := interval.Time(at.Unix())
		switch {
		case bad != nil:
			return nil, unfit("%.80q is no time as in 2026-06-20T18:00:00+02:00", row[0])
		case odd != nil || wh < 0 || wh > consumedMax:
			return nil, unfit("%.80q is no whole number of Wh from 0 to %d", row[1], int64(consumedMax))
		case len(list) > 0 && start <= list[len(list)-1].Start:
			return nil, unfit("%s does not follow the row before", row[0])
		}
		list = append(list, pages.Consumed{Start: start, Energy: wh})
	}
	if len(list) == 0 {
		return nil, &api.Unfit{Text: "there is no row below the header; nothing was kept"}
	}
	return list, nil
}
