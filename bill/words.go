package bill

import (
	"strconv"
	"strings"
	"time"

	"github.com/commonwatt/commonwatt/pages"
)

// words are what a bill says in one language.
type words struct {
	Lang, Title, Member, Account, Community, Period, State, SoFar, Provisional, Final   string
	Sources, Line, Energy, Price, Amount, Balance, Alone, Gain, Days, Day, Used, Made   string
	Earned, Paid, Corrections, Interval, Before, After, Block, Check, CheckText, Months string
	Estimated, Share, Print, None                                                       string
	names                                                                               map[string]string
	months                                                                              [12]string
	point, group                                                                        string
	before                                                                              bool // The currency's sign stands before the amount.
	date                                                                                string
}

var english = words{
	Lang: "en", Title: "Bill", Member: "Member", Account: "Account", Community: "Community", Period: "Period", State: "State",
	SoFar: "so far; settled through %s", Provisional: "all intervals are settled; late readings may still correct it", Final: "final: no reading can change it any more",
	Sources: "Where the energy came from", Line: "Line", Energy: "Energy", Price: "Average price per kWh", Amount: "Amount", Balance: "Balance",
	Alone: "With the grid alone", Gain: "You gain", Days: "Day by day", Day: "Day", Used: "Used", Made: "Made", Earned: "Earned", Paid: "Paid",
	Corrections: "Corrected intervals", Interval: "Interval", Before: "Before", After: "After", Block: "Block", Months: "Other months",
	Check: "How to check it", CheckText: "Every figure comes from the receipts of the ledger up to block %s. Whoever has the ledger's folder computes it again with: commonwatt verify DIR",
	Estimated: "%s intervals rest on an estimate until the reading comes.", Share: "Share", Print: "Print", None: "Nothing is settled in this month yet.",
	names: map[string]string{
		"roof": "Your roof", "battery": "Your battery", "neighbours": "Neighbours", "grid": "Grid",
		"neighbour_sold": "Sold to neighbours", "utility_sold": "Sold to grid", "neighbour_bought": "Bought from neighbours",
		"utility_bought": "Bought from grid", "network_charge": "Network charges", "levy": "Levy",
	},
	months: [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	point:  ".", group: ",", before: true, date: "2 January 2006 15:04",
}

var german = words{
	Lang: "de", Title: "Rechnung", Member: "Mitglied", Account: "Konto", Community: "Gemeinschaft", Period: "Zeitraum", State: "Stand",
	SoFar: "vorläufig; abgerechnet bis %s", Provisional: "alle Intervalle sind abgerechnet; späte Zählerstände können noch berichtigen", Final: "endgültig: kein Zählerstand kann mehr etwas ändern",
	Sources: "Woher die Energie kam", Line: "Posten", Energy: "Energie", Price: "Preis je kWh im Mittel", Amount: "Betrag", Balance: "Saldo",
	Alone: "Mit dem Netz allein", Gain: "Ihr Vorteil", Days: "Tag für Tag", Day: "Tag", Used: "Verbraucht", Made: "Erzeugt", Earned: "Eingenommen", Paid: "Bezahlt",
	Corrections: "Berichtigte Intervalle", Interval: "Intervall", Before: "Vorher", After: "Nachher", Block: "Block", Months: "Andere Monate",
	Check: "So prüfen Sie nach", CheckText: "Jede Zahl stammt aus den Belegen des Kassenbuchs bis Block %s. Wer den Ordner des Kassenbuchs hat, rechnet nach mit: commonwatt verify DIR",
	Estimated: "%s Intervalle beruhen auf einer Schätzung, bis der Zählerstand kommt.", Share: "Anteil", Print: "Drucken", None: "In diesem Monat ist noch nichts abgerechnet.",
	names: map[string]string{
		"roof": "Ihr Dach", "battery": "Ihr Speicher", "neighbours": "Nachbarn", "grid": "Netz",
		"neighbour_sold": "An Nachbarn verkauft", "utility_sold": "Ans Netz verkauft", "neighbour_bought": "Von Nachbarn gekauft",
		"utility_bought": "Vom Netz gekauft", "network_charge": "Netzentgelt", "levy": "Abgabe",
	},
	months: [12]string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"},
	point:  ",", group: ".", date: "02.01.2006 15:04",
}

// in returns the words of a language, English for those that there are not.
func in(lang string) *words {
	if lang == german.Lang {
		return &german
	}
	return &english
}

// Name is what a line or a source is called.
func (w *words) Name(key string) string { return w.names[key] }

// decimal is an integer of 10^-places as people write it, with a real minus.
func (w *words) decimal(shown int64, places int) string {
	sign := ""
	if shown < 0 {
		sign, shown = "−", -shown
	}
	digits := strconv.FormatInt(shown, 10)
	if len(digits) <= places {
		digits = strings.Repeat("0", places+1-len(digits)) + digits
	}
	whole, rest := digits[:len(digits)-places], digits[len(digits)-places:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + w.group + whole[i:]
	}
	return sign + whole + w.point + rest
}

// KWh is an energy.
func (w *words) KWh(e pages.Energy) string { return w.decimal(e.Shown, 2) + " kWh" }

var signs = map[string]string{"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF "}

// Money is an amount; what it gains has a plus when signed.
func (w *words) Money(m pages.Money, code string) string {
	sign, shown := "", m.Shown
	switch {
	case shown < 0:
		sign, shown = "−", -shown
	case shown > 0:
		sign = "+"
	}
	symbol, known := signs[code]
	if !known {
		symbol = code + " "
	}
	if w.before {
		return sign + symbol + w.decimal(shown, 2)
	}
	return sign + w.decimal(shown, 2) + " " + strings.TrimSpace(symbol)
}

var hundredths = map[string]string{"EUR": "ct", "USD": "¢", "GBP": "p", "CHF": "Rp."}

// PricePer is a price per kWh.
func (w *words) PricePer(p pages.Price, code string) string {
	unit, known := hundredths[code]
	if !known {
		unit = code + "/100"
	}
	return w.decimal(p.Shown, 1) + " " + unit
}

// Percent is tenths of a per cent.
func (w *words) Percent(tenths int64) string {
	if w.before {
		return w.decimal(tenths, 1) + "%"
	}
	return w.decimal(tenths, 1) + " %"
}

// moment is a time in a zone.
func (w *words) moment(t int64, zone *time.Location) string {
	at := time.Unix(t, 0).In(zone)
	return at.Format(w.date)
}

// month is a month as in 2026-06, in words.
func (w *words) month(text string) string {
	at, err := time.Parse("2006-01", text)
	if err != nil {
		return text
	}
	return w.months[at.Month()-1] + " " + strconv.Itoa(at.Year())
}
