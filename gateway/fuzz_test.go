package gateway_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/gateway"
	"github.com/commonwatt/commonwatt/optest/memory"
)

// FuzzReadings reads any bytes: they are refused with a line of text, or their
// readings survive being written and read again.
func FuzzReadings(f *testing.F) {
	f.Add([]byte(gateway.Header + "\nann,2026-06-20T16:00:00Z,60,1200,35,A\n"))
	f.Add([]byte(gateway.Header + "\r\n\"ann\",\"2026-06-20T16:00:00Z\",60,\"1\",0,A\r\n\r\n"))
	f.Add([]byte("\xef\xbb\xbf" + gateway.Header + "\nann,2026-06-20T16:00:00+02:00,60,-1,0.5,A\n"))
	memory.Large(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		defer memory.Bound(t)()
		got, err := readAll(bytes.NewReader(file), gateway.Expect{})
		if err != nil {
			refused, ok := errors.AsType[*gateway.Refused](err)
			if !ok || refused.Reason == "" || refused.Next == "" || strings.Contains(err.Error(), "\n") {
				t.Fatalf("no refusal in one line: %v", err)
			}
			return
		}
		var again bytes.Buffer
		if err := gateway.Write(&again, got, time.UTC); err != nil {
			t.Fatal(err)
		}
		if back, err := readAll(&again, gateway.Expect{}); err != nil || !slices.Equal(back, got) {
			t.Fatalf("wrote %v and read %v, %v", got, back, err)
		}
	})
}
