package bill

import "github.com/commonwatt/commonwatt/paper"

// words are what a bill says in one language.
type words struct {
	*paper.Speech
	Title, Member, Account, Community, Period, State, SoFar, Provisional, Final         string
	Sources, Line, Energy, Price, Amount, Balance, Alone, Gain, Days, Day, Used, Made   string
	Earned, Paid, Corrections, Interval, Before, After, Block, Check, CheckText, Months string
	Estimated, Share, Print, None                                                       string
	names                                                                               map[string]string
}

var english = words{
	Speech: paper.English, Title: "Bill", Member: "Member", Account: "Account", Community: "Community", Period: "Period", State: "State",
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
}

var german = words{
	Speech: paper.German, Title: "Rechnung", Member: "Mitglied", Account: "Konto", Community: "Gemeinschaft", Period: "Zeitraum", State: "Stand",
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
