package bridge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"github.com/commonwatt/commonwatt/gateway"
)

// listen listens to the home's broker and to P1 ports until the context ends, and gives
// what registers show to take, in the goroutine of Run. It returns the connection with
// the broker, or nil where there is nothing to hear or to tell.
func (b *Bridge) listen(ctx context.Context, take func(shown)) (home mqtt.Client) {
	topics := map[string]byte{}
	also := map[string]byte{}
	for i, m := range b.meters {
		if m.Port != "" {
			go b.port(ctx, i, take)
		}
		for _, r := range m.Registers {
			if r.Topic == "" {
				continue
			}
			topics[r.Topic] = 0
			if root, _, deeper := strings.Cut(r.Topic, "/"); deeper && b.also != nil {
				also[root+"/#"] = 0
			}
		}
	}
	if len(topics) == 0 && !b.relays() {
		return nil
	}
	o := b.options(b.Home, b.HomeID).SetUsername(b.HomeUser).SetPassword(b.HomePassword).SetOrderMatters(true)
	o.SetOnConnectHandler(func(c mqtt.Client) {
		if b.relay != nil {
			b.do(ctx, b.relay.again)
		}
		if len(topics) == 0 {
			return
		}
		token := c.SubscribeMultiple(topics, func(_ mqtt.Client, m mqtt.Message) {
			if b.also != nil {
				topic := m.Topic()
				b.do(ctx, func() { b.also(topic) })
			}
			if m.Retained() { // Nobody knows when it was read (MQTT 3.1.1 §3.3.1.3).
				return
			}
			b.heard(ctx, m.Topic(), m.Payload(), take)
		})
		token.Wait()
		if len(also) > 0 {
			c.SubscribeMultiple(also, func(_ mqtt.Client, m mqtt.Message) {
				topic := m.Topic()
				b.do(ctx, func() { b.also(topic) })
			})
		}
		b.Log.Info("bridge: listens to the home's broker", "at", b.Home, "topics", len(topics), "err", token.Error())
	})
	o.SetConnectionLostHandler(func(_ mqtt.Client, err error) {
		b.Log.Warn("bridge: the home's broker is away", "at", b.Home, "err", err)
	})
	home = mqtt.NewClient(o)
	if b.relays() && b.also == nil {
		b.relay = &relay{b: b, client: home, said: map[string][]byte{}}
	}
	home.Connect() // It goes on trying.
	return home
}

// heard takes what was published on a topic.
func (b *Bridge) heard(ctx context.Context, topic string, payload []byte, take func(shown)) {
	at := b.Now()
	for i, m := range b.meters {
		if m.Source == P1 && m.Registers[0].Topic == topic {
			_ = b.telegrams(ctx, bytes.NewReader(payload), topic, i, take) // It ends with the bytes.
			continue
		}
		for n := range m.Registers {
			r := &m.Registers[n]
			if r.Topic != topic {
				continue
			}
			wh, err := r.value(payload)
			if err != nil && b.bad != nil {
				b.do(ctx, func() { b.bad(i, n, err) })
				continue
			}
			if err != nil {
				b.Log.Warn("bridge: a register cannot be read: correct topic, path or unit in the configuration",
					"meter", m.Name, "topic", topic, "path", r.Path, "why", err)
				continue
			}
			b.do(ctx, func() { take(shown{reading{at, wh}, i, n}) })
		}
	}
}

// portPauseMost is how far apart tries to open a port are, and portSilence how long one
// may say nothing before it is opened anew: a meter speaks every second, or every ten.
const (
	portPauseMost = time.Minute
	portSilence   = time.Minute
)

// port reads telegrams of a meter's P1 port until the context ends.
func (b *Bridge) port(ctx context.Context, meter int, take func(shown)) {
	m := b.meters[meter]
	for pause := time.Second; ctx.Err() == nil; pause = min(2*pause, portPauseMost) {
		began := time.Now()
		err := b.open(ctx, m.Port, func(in io.Reader) error { return b.telegrams(ctx, in, m.Port, meter, take) })
		if ctx.Err() != nil {
			return
		}
		b.Log.Warn("bridge: the P1 port is away", "meter", m.Name, "port", m.Port, "err", err, "next_try", pause.String())
		if time.Since(began) > portPauseMost {
			pause = time.Second
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// open reads a port, over TCP or a serial line, until it ends.
func (b *Bridge) open(ctx context.Context, port string, read func(io.Reader) error) error {
	var in io.ReadCloser
	if address, tcp := strings.CutPrefix(port, "tcp://"); tcp {
		dialer := net.Dialer{Timeout: connectPatience}
		c, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		in = patient{c}
	} else {
		f, err := openSerial(port)
		if err != nil {
			return err
		}
		in = f
	}
	stop := context.AfterFunc(ctx, func() { _ = in.Close() })
	defer stop()
	err := read(in)
	return errors.Join(err, in.Close())
}

// patient is a connection that ends when nothing comes for portSilence.
type patient struct{ net.Conn }

// Read reads what comes in time.
func (p patient) Read(to []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(portSilence)); err != nil {
		return 0, err
	}
	return p.Conn.Read(to)
}

// telegrams takes the registers of telegrams: 1.8.x, then 2.8.x.
func (b *Bridge) telegrams(ctx context.Context, in io.Reader, from string, meter int, take func(shown)) error {
	m := b.meters[meter]
	return gateway.Telegrams(in, from, nil, func(t gateway.Telegram) {
		if m.Equipment != "" && t.Meter != m.Equipment {
			b.Log.Warn("bridge: a telegram is of another meter and is left out", "meter", m.Name, "equipment", t.Meter, "expected", m.Equipment)
			return
		}
		at := b.Now()
		b.do(ctx, func() {
			take(shown{reading{at, micro(t.Import) * perWh}, meter, 0})
			take(shown{reading{at, micro(t.Export) * perWh}, meter, 1})
		})
	}, func(err error) { b.Log.Debug("bridge: a damaged telegram is left out", "meter", m.Name, "err", err) })
}

// listens says what a meter listens to.
func (m *Meter) listens() string {
	if m.Port != "" {
		return m.Port
	}
	var list []string
	for _, r := range m.Registers {
		list = append(list, r.String())
	}
	return strings.Join(list, ", ")
}

// String is where a register comes from.
func (r *Register) String() string {
	switch {
	case r.Topic == "":
		return [...]string{"1-0:1.8.x", "1-0:2.8.x"}[r.Side]
	case r.Path == "":
		return r.Topic
	}
	return fmt.Sprintf("%s %s", r.Topic, r.Path)
}

// openSerial opens a serial line.
func openSerial(path string) (io.ReadCloser, error) {
	f, err := os.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	if err := setSerial(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%s cannot be set to %s: %w", path, serialWord, err), f.Close())
	}
	return f, nil
}

// serialWord is how a P1 port speaks since DSMR 4 (DSMR P1 5.0.2 §5.12).
const serialWord = "115200 8N1"
