package main

import (
	"time"

	"github.com/commonwatt/commonwatt/interval"
)

// rfc3339 writes a moment as RFC 3339 in UTC.
func rfc3339(t interval.Time) string { return time.Unix(int64(t), 0).UTC().Format(time.RFC3339) }
