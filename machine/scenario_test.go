package machine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/device"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/ledger"
	"github.com/commonwatt/commonwatt/metering"
	"github.com/commonwatt/commonwatt/op"
	"github.com/commonwatt/commonwatt/tx"
)

var rewrite = flag.Bool("rewrite", false, "write what the scenarios in testdata come to, instead of comparing")

// TestScenarios plays the scenarios in testdata. A scenario is commands, each
// followed by ---- and what comes of it, up to an empty line:
//
//	accounts NAME...     accounts 1, 2, …, all in the genesis, the first in the council
//	block [TIME]         a block of the envelopes on the lines below, one bundle each:
//	NAME [FIELD=VALUE]...: OPERATION {JSON}
//	+ OPERATION {JSON}   one more operation of that envelope
//	close                blocks of what is due, until nothing is
//	balances ASSET       what each account has, and holds
//	due                  what is due to be closed
//
// Fields are chain, nonce, expiry and key (whose key signs). In JSON, $NAME is an
// account's number and @NAME its public key; &NAME{JSON} is a device's message that
// NAME's key signed, with what it leaves out as in the first hour of microgrid 10. Refusals and receipts are shown
// with their texts; a receipt with whom it is for.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(text) {
				t.Errorf("%s comes to something else; read the difference after go test ./machine -rewrite:\n%s", file, difference(string(text), got))
			}
		})
	}
}

// difference shows the first line that is not the same.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for n := range min(len(w), len(g)) {
		if w[n] != g[n] {
			return fmt.Sprintf("line %d: want %s\n         got %s", n+1, w[n], g[n])
		}
	}
	return "one ends before the other"
}

// play returns a scenario with the results that it comes to.
func play(t *testing.T, text string) string {
	t.Helper()
	s := &scenario{t: t, registry: Registry()}
	var out strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n\n") {
		command, _, has := strings.Cut(paragraph, "\n----")
		fmt.Fprintf(&out, "%s", command)
		if has {
			fmt.Fprintf(&out, "\n----\n%s", s.run(strip(command)))
		} else {
			s.run(strip(command))
			out.WriteString("\n")
		}
		out.WriteString("\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// strip removes the lines that are remarks.
func strip(command string) string {
	var lines []string
	for line := range strings.SplitSeq(command, "\n") {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

// scenario is a house whose accounts have names.
type scenario struct {
	t        *testing.T
	registry *op.Registry
	house    *house
	names    []string // Of account 1, 2, …
}

// run runs one command and returns its results.
func (s *scenario) run(command string) string {
	s.t.Helper()
	first, rest, _ := strings.Cut(command, "\n")
	words := strings.Fields(first)
	if len(words) == 0 {
		return ""
	}
	switch words[0] {
	case "accounts":
		s.names = words[1:]
		s.house = newHouse(s.t, tx.AccountID(len(s.names)), Environment{})
	case "block":
		if len(words) > 1 {
			s.house.time = interval.Time(s.number(words[1]))
		}
		return s.outcomes(s.house.block(s.bundles(rest)...))
	case "close":
		from := len(s.house.records)
		s.house.closes()
		var out strings.Builder
		for _, r := range s.house.records[from:] {
			out.WriteString(s.outcomes(r.Outcomes))
		}
		return out.String()
	case "balances":
		return s.balances(ledger.AssetID(s.number(words[1])))
	case "due":
		var out strings.Builder
		for _, c := range s.house.machine.Due() {
			fmt.Fprintf(&out, "microgrid %d, from %d, again %v\n", c.Microgrid, c.Start, c.Again)
		}
		return out.String()
	default:
		s.t.Fatalf("no such command: %s", first)
	}
	return ""
}

func (s *scenario) number(word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// envelope is the lines of one envelope.
var envelope = regexp.MustCompile(`^(\w+)((?: \w+=\S+)*): (\S+) (\{.*\})$`)

// bundles makes a transaction of each envelope.
func (s *scenario) bundles(lines string) [][]byte {
	s.t.Helper()
	type draft struct {
		body tx.Body
		key  tx.AccountID
	}
	var drafts []draft
	for line := range strings.SplitSeq(lines, "\n") {
		if more, is := strings.CutPrefix(line, "+ "); is {
			kind, raw, _ := strings.Cut(more, " ")
			last := &drafts[len(drafts)-1].body
			last.Operations = append(last.Operations, s.operation(kind, raw))
			continue
		}
		if line == "" {
			continue
		}
		m := envelope.FindStringSubmatch(line)
		if m == nil {
			s.t.Fatalf("not an envelope: %s", line)
		}
		account := s.account(m[1])
		s.house.nonces[account]++
		d := draft{tx.Body{Chain: testChain, Account: account, Nonce: s.house.nonces[account], Expiry: 1 << 40}, account}
		for field := range strings.FieldsSeq(m[2]) {
			name, value, _ := strings.Cut(field, "=")
			switch name {
			case "chain":
				d.body.Chain = value
			case "nonce":
				d.body.Nonce = uint64(s.number(value))
			case "expiry":
				d.body.Expiry = uint64(s.number(value))
			case "key":
				d.key = s.account(value)
			}
		}
		d.body.Operations = []tx.Operation{s.operation(m[3], m[4])}
		drafts = append(drafts, d)
	}
	var txs [][]byte
	for _, d := range drafts {
		txs = append(txs, bundle(s.t, tx.SignEd25519(d.body.Encode(), keyOf(d.key))))
	}
	return txs
}

// account is the number of a name; a number names itself.
func (s *scenario) account(name string) tx.AccountID {
	s.t.Helper()
	for n, known := range s.names {
		if known == name {
			return tx.AccountID(n + 1)
		}
	}
	return tx.AccountID(s.number(name))
}

func (s *scenario) name(account tx.AccountID) string {
	if account == op.Public {
		return "everyone"
	}
	if account <= tx.AccountID(len(s.names)) {
		return s.names[account-1]
	}
	return strconv.FormatUint(uint64(account), 10)
}

var reference = regexp.MustCompile(`[$@]\w+`)

// message is a device's message within JSON.
var message = regexp.MustCompile(`&\w+\{[^}]*\}`)

// message signs a device's message and returns it as JSON.
func (s *scenario) message(text string) string {
	s.t.Helper()
	name, fields, _ := strings.Cut(text[1:], "{")
	m := device.Message{Version: 1, Microgrid: 10, Epoch: 1, Duration: 3600, Quality: metering.Actual, Clock: device.Synchronised}
	if err := json.Unmarshal([]byte("{"+fields), &m); err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
	raw, err := device.Sign(m, testChain, keyOf(s.account(name)))
	if err != nil {
		s.t.Fatalf("%s: %v", text, err)
	}
	return strconv.Quote(base64.StdEncoding.EncodeToString(raw))
}

// operation reads an operation from its JSON.
func (s *scenario) operation(name, text string) tx.Operation {
	s.t.Helper()
	text = message.ReplaceAllStringFunc(text, s.message)
	text = reference.ReplaceAllStringFunc(text, func(r string) string {
		account := s.account(r[1:])
		if r[0] == '$' {
			return strconv.FormatUint(uint64(account), 10)
		}
		return base64.StdEncoding.EncodeToString(credential(account, 1).Key.Public)
	})
	for _, o := range s.registry.Operations {
		if o.Name != name {
			continue
		}
		v := reflect.New(reflect.TypeOf(o.Schema))
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(v.Interface()); err != nil {
			s.t.Fatalf("%s %s: %v", name, text, err)
		}
		return tx.Operation{Kind: o.Kind, Body: codec.Marshal(v.Elem().Interface())}
	}
	kind, err := strconv.ParseUint(name, 10, 32)
	if err != nil {
		s.t.Fatalf("no such operation: %s", name)
	}
	return tx.Operation{Kind: uint32(kind), Body: []byte(text)}
}

// outcomes shows what became of each envelope or close.
func (s *scenario) outcomes(list []Outcome) string {
	var out strings.Builder
	for _, o := range list {
		who := "close"
		if o.Account != 0 {
			who = s.name(o.Account)
		}
		if o.Code == 0 {
			fmt.Fprintf(&out, "%s: done\n", who)
		} else {
			fmt.Fprintf(&out, "%s: refused at %d: %s\n", who, o.At, refusalText(o.Code))
		}
		for _, f := range o.Receipts {
			if f.Kind != RefusedReceipt.Kind {
				out.WriteString(s.receipt(f))
			}
		}
	}
	return out.String()
}

// receipt shows a receipt as JSON.
func (s *scenario) receipt(f Fact) string {
	for _, schema := range s.registry.Receipts {
		if schema.Kind == f.Kind {
			v := reflect.New(reflect.TypeOf(schema.Value))
			codec.Read(f.Body, v.Interface())
			var text bytes.Buffer
			e := json.NewEncoder(&text)
			e.SetEscapeHTML(false)
			if err := e.Encode(v.Interface()); err != nil {
				s.t.Fatal(err)
			}
			return fmt.Sprintf("  %s, for %s: %s", schema.Name, s.name(f.Audience), text.String())
		}
	}
	s.t.Fatalf("no such receipt: %d", f.Kind)
	return ""
}

// balances shows what each account has of an asset, if it has any.
func (s *scenario) balances(asset ledger.AssetID) string {
	var out strings.Builder
	for n := range s.names {
		if b := ledger.BalanceOf(s.house.rows, tx.AccountID(n+1), asset); b != (ledger.Balance{}) {
			fmt.Fprintf(&out, "%s %d", s.names[n], b.Posted)
			if b.Held != 0 {
				fmt.Fprintf(&out, ", of which %d held", b.Held)
			}
			out.WriteString("\n")
		}
	}
	return out.String()
}
