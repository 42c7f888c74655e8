package broker_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/broker"
)

// What is wrong with an address is said without the password in it, whole or in part.
func TestAddressOfNATS(t *testing.T) {
	for _, address := range []string{"nats://commonwatt:s3cret@[::1", "nats://commonwatt:s3cret/x@127.0.0.1", "nats://commonwatt:s3cret%zz@127.0.0.1"} {
		b, err := broker.Open(t.Context(), broker.Config{NATS: address, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			t.Errorf("%s is taken: %v", address, b.Close())
			continue
		}
		if text := err.Error(); strings.Contains(text, "s3cret") || !strings.Contains(text, "write it as in nats://") {
			t.Errorf("of %s it says %s", address, text)
		}
	}
}
