package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/codec"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/paper"
	"github.com/commonwatt/commonwatt/verifier"
)

// pathsOfAll are one path of every kind, good and bad.
func (w *town) pathsOfAll() []string {
	account := w.near.Account("Abernathy")
	return []string{
		"/", "/today", "/nothing.js", "/docs/", "/docs/nothing", "/docs/style.css", "/openapi.json", "/openapi.yaml", "/healthz", "/readyz",
		"/verify", "/verify/", "/verify/verify.js", "/verify/verify.wasm", "/verify/receipts.json", "/verify/nothing", TrustPath, "/verifyother",
		"/api/v1/", "/api/v1/me", "/api/v1/nothing", "/api/v1/blocks/0", "/api/v1/schemas/Me.json", paper.StylePath,
		url("/bill/%d/2026-06", account), url("/bill/%d/2026-06.csv", account), url("/bill/%d/2026-06.pdf", account), url("/bill/%d/2026-13", account),
		url("/api/v1/accounts/%d/days/2026-06-20", account), url("/api/v1/accounts/%d/days/2026-06-20/intervals.csv", account),
	}
}

// Every path keeps other sites out of our pages, and what is somebody's own is kept
// by nobody. What is served as a page loads nothing from elsewhere and runs no
// script that stands in it.
func TestHeaders(t *testing.T) {
	w := sharedTown(t)
	a := w.role(t, "a")
	elsewhere := regexp.MustCompile(`(src|href|action)="(https?:)?//`)
	const compiles = "; script-src 'self' 'wasm-unsafe-eval'" // WebAssembly, and nothing else that is made while it runs.
	inline := regexp.MustCompile(`<script[^>]*>[^<]|<style|\son[a-z]+="|style="`)
	for _, path := range w.pathsOfAll() {
		for _, r := range []role{a, {}} {
			answer := w.server.get(r, path)
			h := answer.Header()
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
			} {
				if h.Get(name) != want {
					t.Errorf("%s: %s is %q", path, name, h.Get(name))
				}
			}
			csp := h.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(strings.Replace(csp, compiles, "", 1), "unsafe") || strings.Contains(csp, "http") {
				t.Errorf("%s: the policy is %q", path, csp)
			}
			if proofs := path == verifier.Root || strings.HasPrefix(path, verifier.Root+"/") || strings.HasPrefix(path, "/p/"); proofs != strings.Contains(csp, compiles) {
				t.Errorf("%s: the policy is %q", path, csp)
			}
			own := strings.Contains(path, "/accounts/") || strings.HasPrefix(path, "/bill/") && path != paper.StylePath
			if own && !strings.HasPrefix(h.Get("Cache-Control"), "private") && answer.Code == http.StatusOK {
				t.Errorf("%s: %d may be kept: %q", path, answer.Code, h.Get("Cache-Control"))
			}
			page := strings.HasPrefix(h.Get("Content-Type"), "text/html")
			if bad := inline.FindString(answer.Body.String()); page && bad != "" {
				t.Errorf("%s: %q stands in the page, and the policy forbids it", path, bad)
			}
			if bad := elsewhere.FindString(answer.Body.String()); page && bad != "" && !strings.HasPrefix(path, "/docs") {
				t.Errorf("%s loads from elsewhere: %q", path, bad)
			}
		}
	}
}

// The document is OpenAPI 3.1: every operation has a summary, a tag and answers, every
// reference leads somewhere, and JSON and YAML are served.
func TestOpenAPI(t *testing.T) {
	w := sharedTown(t)
	answer := w.server.get(role{}, "/openapi.json")
	var tree map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &tree); err != nil {
		t.Fatal(err)
	}
	if version, _ := tree["openapi"].(string); !strings.HasPrefix(version, "3.1.") || answer.Header().Get("Content-Type") != "application/openapi+json" {
		t.Errorf("version %v as %q", tree["openapi"], answer.Header().Get("Content-Type"))
	}
	seen := 0
	for path, item := range tree["paths"].(map[string]any) {
		for method, of := range item.(map[string]any) {
			o := of.(map[string]any)
			seen++
			answers, _ := o["responses"].(map[string]any)
			if o["operationId"] == nil || o["summary"] == "" || o["tags"] == nil || len(answers) < 2 || !strings.HasPrefix(path, api.Prefix+"/") {
				t.Errorf("%s %s: %v", method, path, o)
			}
			for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if text, _ := json.Marshal(o["parameters"]); !bytes.Contains(text, []byte(`"name":"`+name[1]+`"`)) {
					t.Errorf("%s does not say what %s is", path, name[1])
				}
			}
		}
	}
	schemas := tree["components"].(map[string]any)["schemas"].(map[string]any)
	for _, ref := range regexp.MustCompile(`"\$ref":"([^"]+)"`).FindAllStringSubmatch(answer.Body.String(), -1) {
		if name, ours := strings.CutPrefix(ref[1], "#/components/schemas/"); !ours || schemas[name] == nil {
			t.Errorf("%s leads nowhere", ref[1])
		}
	}
	if yaml := w.server.get(role{}, "/openapi.yaml"); yaml.Code != http.StatusOK || !strings.Contains(yaml.Body.String(), "openapi: 3.1.") {
		t.Errorf("as YAML: %d", yaml.Code)
	}
	if seen != len(w.operations(t)) || len(schemas) < 30 {
		t.Errorf("%d operations, %d schemas", seen, len(schemas))
	}
}

// The page of the operations names each of them, with its address and its fields, and
// needs no script.
func TestReference(t *testing.T) {
	w := sharedTown(t)
	answer := w.server.get(role{}, "/api/v1/")
	body := answer.Body.String()
	if answer.Code != http.StatusOK || !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") || strings.Contains(body, "<script") {
		t.Fatalf("%d %q", answer.Code, answer.Header().Get("Content-Type"))
	}
	for _, id := range w.operations(t) {
		if !strings.Contains(body, `id="`+id+`"`) {
			t.Errorf("it does not tell of %s", id)
		}
	}
	for _, says := range []string{"/api/v1/accounts/{account}/days/{date}", "X-CSRF", `id="type-Today"`, "hundredths of a kWh", "/docs/api", "/openapi.json"} {
		if !strings.Contains(body, says) {
			t.Errorf("it does not say %q", says)
		}
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if !strings.Contains(body, `id="`+link[1]+`"`) {
			t.Errorf("#%s leads nowhere", link[1])
		}
	}
}

// What is asked for as CBOR says what JSON says (RFC 8949).
func TestCBOR(t *testing.T) {
	w := sharedTown(t)
	account := w.near.Account("Abernathy")
	for _, path := range []string{url("/api/v1/accounts/%d/days/2026-06-20", account), url("/api/v1/accounts/%d/months/2026-06", account)} {
		q := w.role(t, "a").request(http.MethodGet, path, nil)
		text := w.server.ask(q.Clone(t.Context()))
		q.Header.Set("Accept", "application/cbor")
		raw := w.server.ask(q)
		if raw.Header().Get("Content-Type") != "application/cbor" || raw.Body.Len() >= text.Body.Len() {
			t.Errorf("%s: %q, %d bytes of CBOR, %d of JSON", path, raw.Header().Get("Content-Type"), raw.Body.Len(), text.Body.Len())
		}
		if strings.HasSuffix(path, "2026-06") {
			same[pages.Month](t, text.Body.Bytes(), raw.Body.Bytes())
		} else {
			same[pages.Today](t, text.Body.Bytes(), raw.Body.Bytes())
		}
	}
	if kind := w.server.get(role{}, "/api/v1/me").Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("without asking: %q", kind)
	}
}

// same checks that JSON and CBOR of one answer say the same.
func same[T any](t *testing.T, text, raw []byte) {
	t.Helper()
	var one, two T
	if err := json.Unmarshal(text, &one); err != nil {
		t.Fatal(err)
	}
	codec.Read(raw, &two)
	if !reflect.DeepEqual(one, two) {
		t.Errorf("JSON says %+v, CBOR %+v", one, two)
	}
}
