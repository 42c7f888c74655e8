package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/commonwatt/commonwatt/interval"
)

// Telegram is what a meter said on its customer port at one moment.
type Telegram struct {
	Meter string        // The equipment identifier.
	At    interval.Time // By the meter's clock; 0: it has none, as before DSMR 4.
	Registers
}

// Telegrams reads telegrams as a meter sends them, from a serial line, a network
// reader or a message, until the bytes end. Each that is whole, with the right checksum
// where it has one, and shows a register goes to take. What is damaged, or began before
// anybody listened, is told to damaged and left out: the next one comes in seconds.
// Zone is that of the meter's clock; nil: Central European Time.
//
// Errors: those of the bytes below, but io.EOF.
func Telegrams(in io.Reader, name string, zone *time.Location, take func(Telegram), damaged func(error)) error {
	p := &p1{
		lines: lines{file: name, in: bufio.NewReaderSize(in, readBytes), bytesMax: recordBytesMax, long: "Check that it is a P1 port"},
		g:     newRows(Expect{Zone: zone}),
	}
	p.done = func(t *telegram) error {
		if registers, shows := t.energies(); shows {
			take(Telegram{Meter: t.meter(), At: t.at, Registers: registers})
		}
		return nil
	}
	for {
		line, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && p.now == nil && !bytes.HasPrefix(line, []byte("/")) {
			continue // The rest of one that began earlier.
		}
		if err == nil {
			err = p.take(line)
		}
		_, bad := errors.AsType[*Refused](err)
		switch {
		case bad:
			damaged(err)
			p.now = nil
			if bytes.HasPrefix(line, []byte("/")) { // It cut another one off.
				_ = p.take(line) // Its first line is never refused.
			}
		case err != nil:
			return err
		}
	}
}
