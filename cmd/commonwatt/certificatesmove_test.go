package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/live"
)

// Certificates are passed on to a buyer and used up by command, each tried first, and
// what cannot be is refused in words.
func TestCertificatesMove(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "street")
	day := time.Now().UTC().Add(-48 * time.Hour).Truncate(24 * time.Hour)
	var readings strings.Builder
	readings.WriteString("meter,start,minutes,import_wh,export_wh,quality\n")
	for n, wh := range []int{1000, 2000, 0} {
		at := day.Add(time.Duration(n) * time.Hour).Format(time.RFC3339)
		fmt.Fprintf(&readings, "ann,%s,60,0,%d,A\nann-pv,%s,60,0,%d,A\n", at, wh, at, wh)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{"day.csv": readings.String(), "street.toml": `[community]
name = "Street"
certificates = true
correction_days = 0
[tariff]
retail = 0.30
feed_in = 0.08
[[member]]
name = "ann"
[[member.device]]
meter = "ann-pv"
kind = "solar"
`} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must(t, "settle", filepath.Join(folder, "street.toml"), "--readings", filepath.Join(folder, "day.csv"), "--out", dir)
	refused := func(want string, args ...string) {
		t.Helper()
		if _, errs, code := commonwatt(args...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%v: %d %s, want %q", args, code, errs, want)
		}
	}
	refused("no node is running here", "certificates", "transfer", dir, "ann", "mill", "--kwh", "1")
	r := start(t, dir)
	if out := must(t, "buyer", "add", dir, "mill"); !strings.Contains(out, "party.open 1") {
		t.Error(out)
	}
	if out := must(t, "buyer", "list", dir, "-o", "csv"); !strings.HasPrefix(out, "buyer,account\nmill,") {
		t.Error(out)
	}
	refused(`"ann" is member[0] already`, "buyer", "add", dir, "ann")
	transfer := []string{"certificates", "transfer", dir, "ann", "mill", "--kwh", "1.5"}
	if out := must(t, append(transfer, "--dry-run")...); !strings.Contains(out, "1500 Wh of 2 lots would be passed on to mill; 1500 Wh are left that are final.\nNothing was moved.") {
		t.Error(out)
	}
	if out := must(t, "certificates", dir, "mill"); out != "mill has 0 Wh of 0 lots.\n" {
		t.Errorf("a dry run moved something: %s", out)
	}
	if out := must(t, transfer...); !strings.Contains(out, "1500 Wh of 2 lots were passed on to mill") {
		t.Error(out)
	}
	refused("the account has 1.500 kWh of final certificates, not 2.000 kWh", "certificates", "transfer", dir, "ann", "mill", "--kwh", "2")
	refused(`there is no member and no buyer "millet"`, "certificates", "transfer", dir, "ann", "millet", "--kwh", "1")
	refused(`there is no member "bela" and no buyer of that name`, "certificates", "cancel", dir, "bela", "--kwh", "1", "--for", "x")
	refused("--kwh is missing", "certificates", "cancel", dir, "ann", "--for", "x")
	refused(`--kwh "1e3": give an energy above 0`, "certificates", "cancel", dir, "ann", "--for", "x", "--kwh", "1e3")
	refused(`--kwh "0.0005"`, "certificates", "cancel", dir, "ann", "--for", "x", "--kwh", "0.0005")
	refused("--for is missing", "certificates", "cancel", dir, "ann", "--kwh", "1")
	refused(`there is no purpose "fun"`, "certificates", "cancel", dir, "mill", "--kwh", "1", "--for", "x", "--purpose", "fun")
	out := must(t, "certificates", "cancel", dir, "mill", "--kwh", "1", "--for", "Elm Bakery")
	name := regexp.MustCompile(`statements/([0-9a-f]{64})\.json`).FindStringSubmatch(out)
	if len(name) != 2 || !strings.Contains(out, "1000 Wh of 1 lots were used up for Elm Bakery") {
		t.Fatal(out)
	}
	text, err := os.ReadFile(filepath.Join(dir, live.StatementsDir, name[1]+".json"))
	if sum := sha256.Sum256(text); err != nil || hex.EncodeToString(sum[:]) != name[1] || !strings.Contains(string(text), `"beneficiary":"Elm Bakery"`) {
		t.Errorf("%s %v", text, err)
	}
	backup := filepath.Join(t.TempDir(), "street.tar.gz")
	must(t, "backup", dir, backup)
	r.stop(t)
	again := filepath.Join(t.TempDir(), "again")
	must(t, "restore", backup, again)
	if kept, err := os.ReadFile(filepath.Join(again, live.StatementsDir, name[1]+".json")); err != nil || string(kept) != string(text) {
		t.Errorf("the backup has no statement: %v", err)
	}
	must(t, "verify", dir)
}
