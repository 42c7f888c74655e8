package main

import (
	"strings"
	"testing"
)

// A node whose gateway is away is well, and says so; when the gateway is back, it is as
// before.
func TestGatewayAway(t *testing.T) {
	dir := elm(t)
	must(t, "member", "add", dir, "anna")
	args := []string{"gateway", dir, "--mqtt", freeAddress(t), "--node", freeAddress(t)}
	g := gatewayOf(t, args...)
	up := start(t, dir, "--mqtt", "gateway")
	if said := must(t, "status", dir); !strings.Contains(said, "connect to mqtt://"+args[3]+": 0 messages wait") {
		t.Error(said)
	}
	g.stop(t)
	if said := must(t, "status", dir); !strings.Contains(said, "the gateway at mqtt://"+args[3]+" does not answer") {
		t.Error(said)
	}
	if said, _, code := commonwatt("doctor", dir); code != 0 || !strings.Contains(said, "start it again: commonwatt gateway") {
		t.Errorf("%d %s", code, said)
	}
	g = gatewayOf(t, args...)
	for tries := 0; ; tries++ { // The node comes back to it in a moment.
		said := must(t, "status", dir)
		if strings.Contains(said, "connect to mqtt://"+args[3]+": 0 messages wait") {
			break
		}
		if tries > 100 {
			t.Fatal(said)
		}
	}
	if _, errs, code := commonwatt(args...); code == 0 || !strings.Contains(errs, "another command is using this folder") {
		t.Errorf("a second gateway: %d %s", code, errs)
	}
	up.stop(t)
	g.stop(t)
	must(t, "verify", dir)
}
