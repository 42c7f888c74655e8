package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/node"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/store"
)

// secrets are the files that nobody but the node's user may read.
var secrets = []string{
	operator.KeyFile, operator.OrganisationFile, operator.ReceiptKeyFile, "chain/validator_key.json", "chain/node_key.json", session.FileName, session.DevicesFile, session.CodesFile, certKeyFile, live.AddressFile, "view.sqlite", node.SettingsFile,
}

// Free space below which a node is in danger, and below which it will soon stop.
const (
	spaceWarn = 1 << 30
	spaceFail = 128 << 20
)

func (p *patient) disk() []finding {
	free, _, known := store.Space(p.dir)
	if !known {
		return nil
	}
	says := fmt.Sprintf("%d MB free", free>>20)
	switch {
	case free < spaceFail:
		return []finding{{"disk", failure, says, "make room: a node that cannot write stops"}}
	case free < spaceWarn:
		return []finding{{"disk", worry, says, "make room soon: a node that cannot write stops"}}
	}
	return []finding{{"disk", good, says, ""}}
}

func (p *patient) keys() (list []finding) {
	for _, name := range secrets {
		path := filepath.Join(p.dir, filepath.FromSlash(name))
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == operator.KeyFile && !follows(p.dir):
			list = append(list, finding{"keys", failure, name + " is missing: nothing can be booked", "bring it back from a backup"})
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			list = append(list, finding{"keys", failure, err.Error(), "run this as the node's user"})
		case info.Mode().Perm()&0o077 != 0:
			list = append(list, finding{"keys", failure, fmt.Sprintf("others may read %s (%v)", name, info.Mode().Perm()), "chmod 600 " + shellWord(path)})
		}
	}
	if plain := plainKeys(p.dir); p.status.Validators > 1 && len(plain) > 0 {
		list = append(list, finding{"keys", worry, "not encrypted: " + strings.Join(plain, ", "), "commonwatt key encrypt " + shellWord(p.dir) + ", while no node runs"})
	}
	if len(list) == 0 {
		list = []finding{{"keys", good, "nobody else can read them", ""}}
	}
	return list
}

// signer looks whether the process that signs for the validator is there.
func (p *patient) signer() []finding {
	s := p.status.Signer
	switch {
	case p.settings.Signer == "":
		return nil
	case p.client == nil:
		return []finding{{"signer", good, "no node runs that it could sign for", ""}}
	case s == nil:
		return []finding{{"signer", worry, "node.toml names one, and the node was started without", "start the node again"}}
	case s.Away != "":
		return []finding{{"signer", failure, signerSays(s), "see that \"commonwatt signer up\" runs where the key is, that it reaches this address, and that its signer.toml and node.toml name each other"}}
	case s.Refused != "":
		return []finding{{"signer", worry, signerSays(s), "look again in a minute; if it is still so, its mark is above what the node asks for: see docs/keys.md"}}
	}
	return []finding{{"signer", good, signerSays(s), ""}}
}

// skewMost is how far the clock may be behind the last block, which was made by it, and
// apartMost how far from those of the other validators.
const (
	skewMost  = 2 * time.Minute
	apartMost = 10 * time.Second
)

func (p *patient) clock() finding {
	says := p.now.UTC().Format(time.RFC3339)
	if last := time.Unix(int64(p.status.Time), 0); last.Sub(p.now) > skewMost {
		return finding{"clock", failure, fmt.Sprintf("%s, and the last block is of %s", says, last.UTC().Format(time.RFC3339)), "set the clock, best by a time service: readings that end in the future are refused"}
	}
	if skew := p.skew(); skew.Abs() > apartMost {
		return finding{"clock", failure, fmt.Sprintf("%s, %v %s that of the others", says, skew.Abs(), direction(skew)), "set the clock, best by a time service: the others doubt blocks that are proposed here"}
	}
	return finding{"clock", good, says, ""}
}

func (p *patient) ledger() finding {
	says := fmt.Sprintf("height %d", p.status.Height)
	switch {
	case p.client != nil:
		return finding{"ledger", good, says + ", a node runs", ""}
	case !p.status.Sealed:
		return finding{"ledger", worry, says + ", not closed cleanly", "commonwatt up " + shellWord(p.dir) + ": it goes on from the last block"}
	}
	return finding{"ledger", good, says + ", closed cleanly and sealed", ""}
}

func (p *patient) rules() finding {
	r := p.status.Rules
	says := rulesSay(r)
	switch {
	case r.Known:
		return finding{"rules", good, says, ""}
	case r.Agreed != nil && r.InForce <= r.Newest:
		if r.Agreed.Rules <= node.RulesNewest() { // The program was replaced under the node that runs.
			return finding{"rules", worry, fmt.Sprintf("%s, from height %d on version %d; the node that runs does not know them, this program does", rulesVersion(r), r.Agreed.Height, r.Agreed.Rules), fmt.Sprintf("end the node and start it again before height %d: it stops there", r.Agreed.Height)}
		}
		return finding{"rules", worry, says, fmt.Sprintf("install a version that knows rules %d before height %d, and start the node with it: this one stops there", r.Agreed.Rules, r.Agreed.Height)}
	default:
		return finding{"rules", failure, says, fmt.Sprintf("install a version that knows rules %d and start the node: it goes on where it stopped", r.InForce)}
	}
}

// readModel looks at where the pages have their rows. The ledger does not need it.
func (p *patient) readModel() finding {
	m, says := p.status.ReadModel, readModelSays(p.status.ReadModel)
	switch {
	case m.Behind != "":
		return finding{"read model", worry, says, "see that PostgreSQL runs and can be reached: the ledger goes on, and the pages come back with it"}
	case p.client != nil && m.Height < p.status.Height:
		return finding{"read model", worry, says + fmt.Sprintf(", the ledger has %d", p.status.Height), "wait: it is catching up"}
	}
	return finding{"read model", good, says, ""}
}

func (p *patient) port(ctx context.Context, port int) finding {
	if p.client == nil {
		var cfg net.ListenConfig
		l, err := cfg.Listen(ctx, "tcp", net.JoinHostPort(hostDefault, strconv.Itoa(port)))
		if err != nil {
			return finding{"port", worry, fmt.Sprintf("%d is taken", port), fmt.Sprintf("end what uses it, or serve on another one: commonwatt up %s --port %d", shellWord(p.dir), port+1)}
		}
		if err := l.Close(); err != nil {
			return finding{"port", worry, err.Error(), ""}
		}
		return finding{"port", good, fmt.Sprintf("%d is free", port), ""}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.client.Origin()+"/healthz", nil)
	if err == nil {
		// Whether it answers is asked; whether browsers trust it, certificate says.
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // see above
		var answer *http.Response
		if answer, err = client.Do(r); err == nil {
			err = answer.Body.Close()
		}
	}
	if err != nil {
		return finding{"port", failure, fmt.Sprintf("%s does not answer: %v", p.client.Origin(), err), "look at --listen and --origin of \"up\", and at the proxy before it"}
	}
	return finding{"port", good, p.client.Origin() + " answers", ""}
}

// waitingWarn is how many messages of devices may wait before it is worth a look.
const waitingWarn = 10_000

func (p *patient) gateway() finding {
	g := p.status.Gateway
	switch {
	case p.client == nil:
		return finding{"devices", good, "no node runs for them to connect to", ""}
	case follows(p.dir):
		return finding{"devices", good, "they connect at the operator's node", ""}
	case g == nil:
		return finding{"devices", worry, "they cannot connect: the node was started with --mqtt off", "start it without, where devices send their own readings"}
	case g.Fault != "":
		return finding{"devices", worry, gatewaySays(g), "see whether it runs, or start it again: commonwatt gateway " + shellWord(p.dir)}
	case g.Waiting > waitingWarn:
		return finding{"devices", worry, gatewaySays(g), "see whether height grows: commonwatt status " + shellWord(p.dir)}
	}
	return finding{"devices", good, gatewaySays(g), ""}
}

func (p *patient) certificate() finding {
	text, err := os.ReadFile(filepath.Join(p.dir, certFile))
	if err != nil {
		return finding{"tls", good, "none of the node's own: it serves this computer, or a proxy", ""}
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return finding{"tls", failure, certFile + " is no certificate", "remove it: \"up --tls auto\" makes another one"}
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		return finding{"tls", failure, certFile + ": " + err.Error(), "remove it: \"up --tls auto\" makes another one"}
	case p.now.After(cert.NotAfter):
		return finding{"tls", failure, certFile + " ran out on " + cert.NotAfter.UTC().Format(time.DateOnly), "start the node again with --tls auto"}
	case cert.NotAfter.Sub(p.now) < certLeast:
		return finding{"tls", worry, certFile + " runs out on " + cert.NotAfter.UTC().Format(time.DateOnly), "start the node again with --tls auto"}
	}
	return finding{"tls", good, certFile + " is good until " + cert.NotAfter.UTC().Format(time.DateOnly), ""}
}

// namedMost is how many meters a line names.
const namedMost = 5

func (p *patient) silent() (list []finding) {
	if p.community == nil {
		return nil // Nobody says which there are.
	}
	var silent, unknown []string
	since := interval.Time(p.now.Add(-live.GraceDefault).Unix())
	for _, m := range p.meters {
		switch {
		case m.From == 0:
			unknown = append(unknown, m.ID)
		case m.Last < since && m.From < since:
			silent = append(silent, m.ID)
		}
	}
	if len(unknown) > 0 {
		list = append(list, finding{"meters", worry, "not on the ledger yet: " + some(unknown), "commonwatt up " + shellWord(p.dir) + " books the file"})
	}
	if len(silent) > 0 {
		list = append(list, finding{
			"meters", worry, fmt.Sprintf("%d of %d silent for a day: %s", len(silent), len(p.meters), some(silent)),
			"look at their connection; what they send later corrects the estimates",
		})
	}
	if len(list) == 0 {
		list = append(list, finding{"meters", good, fmt.Sprintf("%d, none silent for a day", len(p.meters)), ""})
	}
	return list
}

func some(names []string) string {
	if len(names) > namedMost {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:namedMost], ", "), len(names)-namedMost)
	}
	return strings.Join(names, ", ")
}
