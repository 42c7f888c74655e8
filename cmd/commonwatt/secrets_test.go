package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/operator"
)

// secretForms are the forms in which a secret could be written.
func secretForms(secret []byte) []string {
	base64s := []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding}
	forms := []string{string(secret), hex.EncodeToString(secret), strings.ToUpper(hex.EncodeToString(secret)), fmt.Sprintf("%v", secret), url.QueryEscape(string(secret)), fmt.Sprintf("%q", secret)}
	for _, e := range base64s {
		forms = append(forms, e.EncodeToString(secret))
	}
	return forms
}

// told names the secrets that a text tells.
func toldSecrets(secrets map[string][]byte, text string) (names []string) {
	for name, secret := range secrets {
		if slices.ContainsFunc(secretForms(secret), func(form string) bool { return strings.Contains(text, form) }) {
			names = append(names, name)
		}
	}
	return names
}

// keySecrets are the secret keys of a folder, by file: what they are made from and what
// signs. They are in the clear.
func keySecrets(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	secrets := map[string][]byte{}
	for _, name := range plainKeys(dir) {
		text := read(t, dir, name)
		var comet struct {
			Validator struct{ Value []byte } `json:"priv_key"`
		}
		if json.Unmarshal(text, &comet) == nil {
			secrets[name], secrets[name+" seed"] = comet.Validator.Value, comet.Validator.Value[:ed25519.SeedSize]
			continue
		}
		block, _ := pem.Decode(text)
		if block == nil {
			t.Fatalf("%s holds no key that the test knows", name)
		}
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		secrets[name], secrets[name+" seed"] = key.(ed25519.PrivateKey), key.(ed25519.PrivateKey).Seed()
	}
	return secrets
}

// Whatever a node of a network is asked to log, and however, no secret is in it: keys,
// passphrase, sessions, links, codes, passwords of devices, what commands are let in by.
func TestLogsTellNoSecret(t *testing.T) {
	dir := t.TempDir()
	elm, utility, invitation, passphrase := filepath.Join(dir, "elm"), filepath.Join(dir, "utility"), filepath.Join(dir, "invitation.json"), filepath.Join(dir, "passphrase")
	at := freePlaces(t, 2)
	words := "correct horse battery staple"
	must(t, "init", elm, "--name", "Elm", "--retail", "0.32", "--feed-in", "0.08", "--network", "--listen", at[0])
	for file, text := range map[string]string{invitation: must(t, "network", "invite", elm), passphrase: words} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "join", utility, invitation, "--listen", at[1], "--name", "Utility")
	if _, err := operator.ReceiptKey(elm); err != nil {
		t.Fatal(err)
	}
	secrets := map[string][]byte{"the passphrase": []byte(words)}
	for _, folder := range []string{elm, utility} {
		for name, secret := range keySecrets(t, folder) {
			secrets[filepath.Base(folder)+" "+name] = secret
		}
		must(t, "key", "encrypt", folder, "--passphrase-file", passphrase)
	}
	if len(secrets) < 13 {
		t.Fatalf("the folders have %d secrets", len(secrets))
	}
	first := start(t, elm, "--passphrase-file", passphrase, "--log", "json", "--log-level", "debug", "--mqtt", "127.0.0.1:0")
	second := start(t, utility, "--passphrase-file", passphrase, "--log", "text", "--log-level", "debug")
	must(t, "network", "wait", utility)
	must(t, "network", "admit", elm, filepath.Join(utility, requestFile))
	maps.Copy(secrets, used(t, elm, first))
	var control struct{ Token string }
	if err := json.Unmarshal(read(t, utility, live.AddressFile), &control); err != nil || len(control.Token) < 32 {
		t.Fatal(control, err)
	}
	secrets["what commands are let in by"] = []byte(control.Token)
	first.stop(t)
	second.stop(t)
	for name, log := range map[string]string{`"level":"DEBUG"`: first.errs.String(), "level=INFO": second.errs.String()} {
		if !strings.Contains(log, name) {
			t.Errorf("the log has no %s:\n%.1000s", name, log)
		}
		if names := toldSecrets(secrets, log); len(names) > 0 {
			t.Errorf("the log with %s tells %q", name, names)
		}
	}
	for name, secret := range secrets { // The search finds what is there.
		for _, form := range secretForms(secret) {
			if !slices.Contains(toldSecrets(secrets, "a log with "+form+" in it"), name) {
				t.Errorf("%s as %q is not found", name, form)
			}
		}
	}
}

// used uses what people and devices get in by, rightly and wrongly, and returns it.
func used(t *testing.T, dir string, node *running) map[string][]byte {
	t.Helper()
	secrets := map[string][]byte{}
	must(t, "member", "add", dir, "anna")
	link := strings.TrimSpace(must(t, "link", dir, "anna"))
	_, token, _ := strings.Cut(link, "#")
	secrets["a link"] = []byte(token)
	cookie := signIn(t, link)
	secrets["a session"] = []byte(cookie.Value)
	for _, page := range []string{"/api/v1/session", "/api/v1/no/such/thing", "/signin?token=" + token} {
		get(t, node.origin+page, cookie)
	}
	answer, err := http.Post(node.origin+"/api/v1/session/link", "application/json", strings.NewReader(`{"token":"`+token+`"}`)) // A second time.
	if err != nil || answer.Body.Close() != nil || answer.StatusCode < 400 {
		t.Fatalf("a link is good twice: %v %v", answer, err)
	}
	secrets["a code"] = []byte(codeOf(t, must(t, "meter", "code", dir, "anna", "--json")))
	var list []live.Credential
	if text := must(t, "meter", "credential", dir, "anna", "-o", "json"); json.Unmarshal([]byte(text), &list) != nil || len(list) != 1 {
		t.Fatal(text)
	}
	d := list[0]
	secrets["a device's password"] = []byte(d.Password)
	s, err := node.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Replace(s.Gateway.Address, "mqtt:", "tcp:", 1)
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(at).SetClientID("anna").SetUsername(d.User).SetPassword(d.Password).SetAutoReconnect(false))
	waitFor(t, c.Connect())
	waitFor(t, c.Publish(d.Reading, 1, false, []byte("no message of a device")))
	c.Disconnect(100)
	wrong := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(at).SetClientID("mallory").SetUsername(d.User).SetPassword(d.Password + "x").SetAutoReconnect(false))
	if refused := wrong.Connect(); !refused.WaitTimeout(20*time.Second) || refused.Error() == nil {
		t.Error("a wrong password is taken")
	}
	return secrets
}

// codeOf is the one-time code that a command printed.
func codeOf(t *testing.T, text string) string {
	t.Helper()
	var is struct{ Code string }
	if err := json.Unmarshal([]byte(text), &is); err != nil || len(is.Code) < 8 {
		t.Fatalf("%s: %v", text, err)
	}
	return is.Code
}

// impatient is what a program says, which is ended when it waits for something.
type impatient struct {
	said bytes.Buffer
	cmd  *exec.Cmd
}

func (i *impatient) Write(text []byte) (int, error) {
	if bytes.Contains(text, []byte("waited for")) {
		_ = i.cmd.Process.Signal(syscall.SIGTERM)
	}
	return i.said.Write(text)
}

// An address with a password may be wrong, or lead nowhere: what is said of it does not
// have the password.
func TestAddressesTellNoPassword(t *testing.T) {
	const password = "s3cret-of-a-server"
	nobody := freePlaces(t, 1)[0]
	for name, flags := range map[string][]string{
		"PostgreSQL that is away":     {"--view", "postgres://commonwatt:" + password + "@" + nobody + "/db?connect_timeout=1"},
		"an address that is none":     {"--view", "postgres://commonwatt:" + password + "@[::1/db"},
		"a schema that is none":       {"--view", "postgres://commonwatt:" + password + "@127.0.0.1/db?search_path=a;b"},
		"another kind of server":      {"--view", "mysql://commonwatt:" + password + "@127.0.0.1/db"},
		"NATS that is away":           {"--nats", "nats://commonwatt:" + password + "@" + nobody},
		"a slash in its password":     {"--nats", "nats://commonwatt:" + password + "/x@127.0.0.1"},
		"an address of NATS, spoiled": {"--nats", "nats://commonwatt:" + password + "@[::1"},
	} {
		for _, log := range []string{"text", "json"} {
			t.Run(name+" as "+log, func(t *testing.T) {
				t.Parallel()
				cmd := program(t, append([]string{"up", elm(t), "--port", "0", "--log", log, "--log-level", "debug"}, flags...)...)
				errs := &impatient{cmd: cmd}
				cmd.Stderr = errs
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = cmd.Process.Kill() })
				lines := bufio.NewScanner(out)
				if lines.Scan() { // It is up all the same.
					_ = cmd.Process.Signal(syscall.SIGTERM)
				}
				_ = cmd.Wait()
				if errs.said.Len() == 0 || len(toldSecrets(map[string][]byte{"it": []byte(password)}, errs.said.String()+lines.Text())) > 0 {
					t.Errorf("it says %s", errs.said.String())
				}
			})
		}
	}
}
