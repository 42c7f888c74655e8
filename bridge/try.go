package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"time"

	"github.com/commonwatt/commonwatt/quantity"
)

// Heard is what a register of a meter showed.
type Heard struct {
	Meter    string
	Register string // Where it is published.
	Side     Side
	Shows    quantity.Energy
	Why      string // "": it was heard; else what was not, or what is near.
}

// topicsMax bounds the topics that Try remembers.
const topicsMax = 10_000

// Try listens to the meters of a configuration until each register was heard, or the
// context ends, and returns what they show. It signs and sends nothing, and leaves the
// folder alone.
func Try(ctx context.Context, cfg Config, log *slog.Logger) (list []Heard, all bool) {
	b := &Bridge{Config: cfg, Now: time.Now, Log: log, events: make(chan func(), 1024)}
	b.HomeID += "-try"
	first := make([]int, len(cfg.Meters)) // Of each meter, the place of its first register.
	for i, m := range cfg.Meters {
		b.meters = append(b.meters, &meter{Meter: m, heard: time.Now()})
		first[i] = len(list)
		for n := range m.Registers {
			list = append(list, Heard{Meter: m.Name, Register: m.Registers[n].String(), Side: m.Registers[n].Side})
		}
	}
	heard, topics := map[int]bool{}, map[string]bool{}
	b.also = func(topic string) {
		if len(topics) < topicsMax {
			topics[topic] = true
		}
	}
	b.bad = func(meter, register int, err error) { list[first[meter]+register].Why = err.Error() }
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	home := b.listen(ctx, func(s shown) {
		at := first[s.meter] + s.register
		list[at].Shows, list[at].Why, heard[at] = s.wh.whole(), "", true
	})
	if home != nil {
		defer home.Disconnect(0)
	}
	for len(heard) < len(list) && ctx.Err() == nil {
		select {
		case f := <-b.events:
			f()
		case <-ctx.Done():
		}
	}
	for i := range list {
		if !heard[i] && list[i].Why == "" {
			list[i].Why = nothing(b.topicOf(i), topics)
		}
	}
	return list, len(heard) == len(list)
}

// topicOf is the topic of the register at a place of all.
func (b *Bridge) topicOf(place int) string {
	for _, m := range b.meters {
		if place < len(m.Registers) {
			return m.Registers[place].Topic
		}
		place -= len(m.Registers)
	}
	return ""
}

// nothing says that nothing came on a topic, and what did on those with the same last
// word.
func nothing(topic string, topics map[string]bool) string {
	if topic == "" {
		return "no telegram came: check the port, and that the meter's P1 port is switched on"
	}
	if topics[topic] {
		return "nothing but what the broker had kept came: wait until the meter publishes"
	}
	var near []string
	for t := range topics {
		if path.Base(t) == path.Base(topic) {
			near = append(near, t)
		}
	}
	slices.Sort(near)
	if len(near) == 0 {
		return "nothing came: check the topic, and that the meter publishes to this broker"
	}
	return fmt.Sprintf("nothing came, and something came on %v: is the topic right?", near[:min(len(near), 3)])
}
