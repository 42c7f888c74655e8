package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/pages"
)

// position is how far somebody was told: through the whole of a block, or through
// one interval of those that it settled, which come by microgrid and start. It is an
// event's id, "12" or "12.7.1781942400".
type position struct {
	height    int64
	whole     bool
	microgrid grid.MicrogridID
	start     interval.Time
}

// String is the id.
func (p position) String() string {
	if p.whole {
		return strconv.FormatInt(p.height, 10)
	}
	return fmt.Sprintf("%d.%d.%d", p.height, p.microgrid, p.start)
}

// positionOf reads an id; whoever brings none of ours comes for the first time.
func positionOf(id string) (p position, ok bool) {
	height, rest, within := strings.Cut(id, ".")
	microgrid, start, _ := strings.Cut(rest, ".")
	h, err := strconv.ParseInt(height, 10, 64)
	if err != nil || h < 0 {
		return p, false
	}
	if !within {
		return position{height: h, whole: true}, true
	}
	m, err := strconv.ParseUint(microgrid, 10, 64)
	s, bad := strconv.ParseInt(start, 10, 64)
	return position{h, false, grid.MicrogridID(m), interval.Time(s)}, err == nil && bad == nil
}

// after reports whether p comes after q. The view gives the microgrids of a block
// in the order of its numbers, which have a sign.
func (p position) after(q position) bool {
	if p.height != q.height || q.whole {
		return p.height > q.height
	}
	return p.whole || cmp.Or(cmp.Compare(int64(p.microgrid), int64(q.microgrid)), cmp.Compare(p.start, q.start)) > 0 //nolint:gosec // as the view does
}

// message is an event as it is sent (WHATWG HTML, section 9.2), encoded once for
// everybody.
type message struct {
	at        position
	microgrid grid.MicrogridID // Whose it is; 0: everybody's.
	text      []byte
}

// encode writes an event.
func encode(at position, microgrid grid.MicrogridID, name string, data any) message {
	text, err := json.Marshal(data)
	if err != nil {
		panic("api: an event cannot be written: " + err.Error()) // They are numbers.
	}
	return message{at, microgrid, fmt.Appendf(nil, "id: %s\nevent: %s\ndata: %s\n\n", at, name, text)}
}

// settled is what is said of an interval.
func settled(s pages.SettledInterval) message {
	at := position{s.Height, false, s.Microgrid, s.Start}
	return encode(at, s.Microgrid, "settled", SettledEvent{s.Microgrid, s.Start, s.Revision, s.Height})
}

// reset is what is said instead of too many intervals.
func reset(height int64) message {
	return encode(position{height: height, whole: true}, 0, "reset", ResetEvent{height})
}
