package registry

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/quantity"
)

// parser reads fields, and keeps the first that is bad.
type parser struct{ flaw *flaw }

func (p *parser) keep(no *flaw) {
	if p.flaw == nil {
		p.flaw = no
	}
}

func (p *parser) number(field, text string, into *uint64) {
	n, no := readNumber(field, text)
	*into = n
	p.keep(no)
}

func (p *parser) decimal(field, text string, decimals int, into *quantity.Energy) {
	e, no := readDecimal(field, text, decimals)
	*into = e
	p.keep(no)
}

func (p *parser) time(field, text string, into *interval.Time) {
	t, no := readTime(field, text)
	*into = t
	p.keep(no)
}

// examples shows a day in each layout.
var examples = map[string]string{time.DateOnly: "2026-06-20", american: "06/20/2026", vintage: "2026-06", americanVintage: "06/2026"}

// Layouts of days and months.
const (
	american        = "01/02/2006"
	vintage         = "2006-01"
	americanVintage = "01/2006"
)

func (p *parser) day(field, text, layout string, into *interval.Time) {
	t, no := readDay(field, text, layout, examples[layout])
	*into = t
	p.keep(no)
}

// parse reads a word of a format.
func parse[V comparable](p *parser, field, text string, names []named[V], into *V) {
	v, ok := value(names, text)
	*into = v
	if ok {
		return
	}
	words := make([]string, len(names))
	for n := range names {
		words[n] = names[n].name
	}
	p.keep(&flaw{field, text, "is none of " + strings.Join(words, ", "), ""})
}

// number is a number as JSON writes it.
func number(n uint64) json.Number { return json.Number(strconv.FormatUint(n, 10)) }

// wh is a number of Wh that was read: at most whMax.
func wh(n uint64) quantity.Energy { return quantity.Energy(n) } //nolint:gosec // Bounded by readNumber.
