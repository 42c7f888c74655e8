package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/live"
)

// markOf is the height that a folder's validator signed for last.
func markOf(t *testing.T, dir string) int64 {
	t.Helper()
	var mark struct {
		Height int64 `json:",string"`
	}
	if err := json.Unmarshal(read(t, dir, "chain", "validator_state.json"), &mark); err != nil {
		t.Fatal(err)
	}
	return mark.Height
}

// A validator of a network is restored from a backup of before it signed more, once while
// it still runs and once in its place. Beside it the restored one signs nothing; in its
// place, where the others cannot decide without it, it does once somebody says from where.
func TestRestoreJoined(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some twenty seconds: it runs a network of two nodes")
	}
	dir := t.TempDir()
	at := freePlaces(t, 3)
	elm, utility, again, file, invitation := filepath.Join(dir, "elm"), filepath.Join(dir, "utility"), filepath.Join(dir, "again"), filepath.Join(dir, "backup"), filepath.Join(dir, "invitation.json")
	must(t, "init", elm, "--name", "Elm", "--retail", "0.32", "--feed-in", "0.08", "--network", "--listen", at[0])
	start(t, elm, "--mqtt", "off")
	if err := os.WriteFile(invitation, []byte(must(t, "network", "invite", elm)), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "join", utility, invitation, "--listen", at[1], "--name", "Utility")
	original := start(t, utility)
	must(t, "network", "wait", utility)
	must(t, "network", "admit", elm, filepath.Join(utility, requestFile))
	must(t, "network", "wait", utility)
	must(t, "member", "add", elm, "anna") // It signs.
	must(t, "backup", utility, file)
	must(t, "member", "add", elm, "bert") // It signs more.
	if out, errs, code := commonwatt("restore", file, again); code != 0 || !strings.Contains(errs, "never run both") {
		t.Fatal(out, errs)
	}
	must(t, "verify", again)
	if _, err := os.Stat(filepath.Join(again, "chain", "validator_restored")); err != nil {
		t.Errorf("nothing keeps the validator from signing: %v", err)
	}
	mark := markOf(t, again)
	if now := markOf(t, utility); mark >= now {
		t.Fatalf("the backup knows that height %d was signed, and the last is %d", mark, now)
	}

	beside := start(t, again, "--network-listen", at[2])
	must(t, "member", "add", elm, "carla")
	by, _ := diagnosis(t, again, "--port", "0")
	if by["peers"][0] != failure && by["validator"][0] == good {
		t.Errorf("beside the one that it was copied from all is well: %v", by)
	}
	beside.stop(t)
	if got := markOf(t, again); got != mark {
		t.Errorf("beside the one that it was copied from it signed for height %d", got)
	}

	var last int64
	for original.stop(t); ; original.stop(t) { // Where it signed for a block that nobody decided, only its own folder goes on.
		if last = markOf(t, utility); network(t, elm).Height >= last {
			break
		}
		original = start(t, utility)
		must(t, "network", "wait", utility)
	}
	instead := start(t, again)
	if by, _ := diagnosis(t, again, "--port", "0"); by["validator"][0] != worry {
		t.Errorf("nothing is said of its waiting: %v", by)
	}
	instead.stop(t)
	if _, _, code := commonwatt("key", "sign-from", again, fmt.Sprint(mark)); code != exitBadInput {
		t.Error("the mark was lowered")
	}
	must(t, "key", "sign-from", again, fmt.Sprint(last+1))
	instead = start(t, again)
	must(t, "network", "wait", again)
	must(t, "member", "add", elm, "dora")
	instead.stop(t)
	if got := markOf(t, again); got <= last {
		t.Errorf("it signed for height %d, and the one that it was copied from for %d", got, last)
	}
	if n := network(t, elm); len(n.Validators) != 2 {
		t.Errorf("%+v", n)
	}
}

// network is who decides, as a folder's node says.
func network(t *testing.T, dir string) (n live.Network) {
	t.Helper()
	if err := json.Unmarshal([]byte(must(t, "network", "status", dir, "-o", "json")), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The founder of a network on its own may have been joined by others since it was backed
// up: it signs nothing either, until somebody says that it was not.
func TestRestoreFounder(t *testing.T) {
	dir := t.TempDir()
	elm, again, file := filepath.Join(dir, "elm"), filepath.Join(dir, "again"), filepath.Join(dir, "backup")
	must(t, "init", elm, "--name", "Elm", "--retail", "0.32", "--feed-in", "0.08", "--network", "--listen", "127.0.0.1:26656")
	must(t, "backup", elm, file)
	_, errs, code := commonwatt("restore", file, again)
	if _, err := os.Stat(filepath.Join(again, "chain", "validator_restored")); err != nil || code != 0 {
		t.Fatalf("nothing keeps the validator from signing: %d %s %v", code, errs, err)
	}
	_, told, _ := strings.Cut(errs, "commonwatt key sign-from ")
	args := strings.Fields(told)
	if len(args) < 2 {
		t.Fatal(errs)
	}
	must(t, "key", "sign-from", again, args[1])
	node := start(t, again, "--mqtt", "off", "--network-listen", freePlaces(t, 1)[0])
	must(t, "member", "add", again, "anna")
	node.stop(t)
	must(t, "verify", again)
}
