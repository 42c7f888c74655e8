package paper

// says are what the page of a proof and a statement of certificates say in one
// language.
type says struct {
	*Speech
	Proves, Check, How, Address, File, Document, QR, Fields, OtherLang, Other      string
	Proofs, Sign, Month, MonthSays, Cancels, DayCheck, SignAddress                 string
	Here, HereText, Trust, TrustText, Choose, Button                               string
	Block, Place, Account, Anyone, Signed, More, Ledger, Interval, Serials, Period string
	ProvesList                                                                     []string
	ProvesStatement, ProvesNoNames                                                 string
	// titles and sentences by kind of receipt; "" for any other.
	titles    map[string]string
	sentences map[string]string
	names     map[string]string // Of facts, columns and tables.
	words     map[string]string // That facts hold.
	script    map[string]string // What the script says.
}

var englishSays = says{
	Speech: English, Proves: "What this proves", Check: "How to check it", Fields: "What the receipt says, field by field",
	How:     "You need not believe this page. Download the proof and check it with the program, without a network and without us:",
	Address: "This page:", File: "Download the proof", Document: "Statement of the beneficiary", QR: "QR code of the address of this page", OtherLang: "de", Other: "Deutsch",
	Proofs: "The proofs, day by day", Month: "Certificates of %s", Cancels: "Used up by statements of their own", SignAddress: "This statement, for who is signed in:",
	MonthSays: "In %[1]s, %[2]s were used, and certificates for %[3]s of it were used up with it: %[4]s. In %[5]s of %[6]s hours, all that was used came with certificates.",
	DayCheck:  "You need not believe this page. Each day has its proof: every receipt that these figures are sums of. Check it with the program, without a network and without us:",
	Here:      "Check it in this browser", HereText: "The same program, compiled for browsers, checks the proof here; nothing leaves your browser. The program comes from this node, too: who doubts the node checks with a program of their own.",
	Trust: "What you trust: HEIGHT:HASH of one block", TrustText: "Ask somebody else who has the ledger. Left empty, the first proof’s own block is kept in this browser and said so; from then on every proof is held against it.",
	Choose: "Another proof in place of this one", Button: "Check",
	Block: "Block", Place: "Receipt", Account: "Account", Anyone: "for anyone to read", Signed: "%d of %d validators signed block %s", More: "And %d more: the file has all of them.", Ledger: "Ledger", Interval: "Interval", Serials: "Serials", Period: "Period",
	ProvesList: []string{
		"This receipt stands on the ledger, in the block named above, word for word and figure by figure as it is here.",
		"More than two thirds of the validators signed a header that commits to it; with it nothing else of the ledger is disclosed.",
		"It says what meters measured and rules made of it. Traced is the allocation; electrons are not traced.",
	},
	ProvesStatement: "The beneficiary is named in a statement whose SHA-256 is in the receipt: %s.",
	ProvesNoNames:   "Names are not on the ledger: that account %s is somebody’s, somebody else has to say.",
	titles: map[string]string{
		"": "A receipt of the ledger", "settlement.statement": "What one connection took, gave and owed in one interval", "certificate.issued": "Certificates that were issued",
		"certificate.cancelled": "Certificates that were used up", "certificate.transferred": "Certificates that were passed on",
	},
	sentences: map[string]string{
		"settlement.statement":    "From %[1]s on, %[2]s were taken and %[3]s given, for a balance of %[4]s.",
		"claimed":                 "%[1]s came with certificates, which are used up with it: nobody can use them again.",
		"certificate.issued":      "%[1]s that were produced from %[2]s on are certified.",
		"certificate.cancelled":   "%[1]s are used up: nobody can pass them on or use them again.",
		"beneficiary":             "%[1]s are used up for %[2]s: nobody can pass them on or use them again.",
		"certificate.transferred": "%[1]s went from one account to another.",
	},
	names: map[string]string{
		"interval": "Interval from", "zone": "Zone", "revision": "Revision", "taken": "Taken", "given": "Given", "produced": "Made", "balance": "Balance",
		"alone": "With the grid alone", "quality": "Readings", "claimed": "Claimed as it was used", "issued": "Issued", "device": "Made by", "line": "Line", "energy": "Energy", "amount": "Amount",
		"became": "What became of it", "lines": "What was posted", "certificates": "Certificates that came with it", "shares": "Whose it is", "whose": "Whose", "purpose": "Purpose",
		"account": "Account", "from": "From account", "to": "To account", "first": "First interval from", "last": "Last interval from", "intervals": "Intervals", "hours": "Hours", "parts": "Of which lots", "serials": "Serials",
		"used": "Used", "share": "Share", "matched": "Hours with certificates for all", "hours_used": "Hours with use", "day": "Day", "certified": "Certified", "of_hours": "Hours", "wholly": "wholly", "days": "Day by day", "origins": "What they are of", "state": "State", "member": "Member", "period": "Period", "cancelled": "Used up by statements of their own", "at": "When",
		"beneficiary": "Beneficiary", "note": "Note", "statement": "Statement, SHA-256",
	},
	words: map[string]string{
		"estimated": "rest on an estimate", "held": "to pass on or use later", "claimed": "used up with the energy", "owner": "the owner’s", "own": "own", "neighbour": "a neighbour’s", "final": "final: no reading can change it any more", "open": "late readings may still correct it", "disclosure": "disclosure of the origin of what was used", "product": "a product made of it", "other": "other",
		"solar": "solar", "wind": "wind", "hydro": "hydro", "battery": "battery", "generator": "generator", "meter": "meter",
		"neighbour_sold": "Sold to neighbours", "utility_sold": "Sold to grid", "neighbour_bought": "Bought from neighbours", "utility_bought": "Bought from grid", "network_charge": "Network charges", "levy": "Levy",
	},
	script: map[string]string{
		"working": "Checking…", "good": "The proof is good.", "bad": "The proof is not good: it fails at “{step}”.", "failed": "It could not be checked: {why}",
		"kept": "You held no trust for this ledger: {trust} of this very proof is kept in this browser from now on. It proves little until somebody else names the same.", "held": "Held against {trust}, which this browser keeps.",
		"given": "Held against {trust}, which you gave.", "other": "This is another proof than this page’s: {file}.", "says": "What it says", "steps": "Steps",
		"ok": "done", "no": "failed", "format": "the bytes", "chain": "the ledger", "validators": "the validators", "signatures": "their signatures", "trust": "from what you trust to this block",
		"app hash": "what the header commits to", "receipt": "the receipts", "log": "in the log", "state": "in the state", "sum": "the file as a whole",
	},
}

var germanSays = says{
	Speech: German, Proves: "Was das beweist", Check: "So prüfen Sie nach", Fields: "Was der Beleg sagt, Feld für Feld",
	How:     "Sie müssen dieser Seite nicht glauben. Laden Sie den Nachweis herunter und prüfen Sie ihn mit dem Programm, ohne Netz und ohne uns:",
	Address: "Diese Seite:", File: "Nachweis herunterladen", Document: "Erklärung zum Begünstigten", QR: "QR-Code der Adresse dieser Seite", OtherLang: "en", Other: "English",
	Proofs: "Die Nachweise, Tag für Tag", Month: "Zertifikate, %s", Cancels: "Mit eigenen Erklärungen entwertet", SignAddress: "Diese Erklärung, für Angemeldete:",
	MonthSays: "Im %[1]s wurden %[2]s verbraucht und mit dem Verbrauch Zertifikate für %[3]s davon entwertet: %[4]s. In %[5]s von %[6]s Stunden kam alles, was verbraucht wurde, mit Zertifikaten.",
	DayCheck:  "Sie müssen dieser Seite nicht glauben. Jeder Tag hat seinen Nachweis: jeden Beleg, aus dem diese Zahlen Summen sind. Prüfen Sie ihn mit dem Programm, ohne Netz und ohne uns:",
	Here:      "In diesem Browser prüfen", HereText: "Dasselbe Programm, für Browser übersetzt, prüft den Nachweis hier; nichts verlässt Ihren Browser. Auch das Programm kommt von diesem Knoten: wer ihm misstraut, prüft mit einem eigenen.",
	Trust: "Worauf Sie vertrauen: HÖHE:HASH eines Blocks", TrustText: "Fragen Sie jemand anderen, der das Kassenbuch hat. Bleibt es leer, wird der Block des ersten Nachweises in diesem Browser behalten, und das wird gesagt; von da an wird jeder Nachweis daran gemessen.",
	Choose: "Ein anderer Nachweis statt diesem", Button: "Prüfen",
	Block: "Block", Place: "Beleg", Account: "Konto", Anyone: "für alle lesbar", Signed: "%d von %d Validatoren haben Block %s unterschrieben", More: "Und %d weitere: die Datei hat alle.", Ledger: "Kassenbuch", Interval: "Intervall", Serials: "Nummern", Period: "Zeitraum",
	ProvesList: []string{
		"Dieser Beleg steht im Kassenbuch, im oben genannten Block, Wort für Wort und Zahl für Zahl wie hier.",
		"Mehr als zwei Drittel der Validatoren haben einen Kopf unterschrieben, der ihn festhält; sonst wird damit nichts aus dem Kassenbuch offengelegt.",
		"Er sagt, was Zähler gemessen und Regeln daraus gemacht haben. Verfolgt wird die Zuordnung; Elektronen werden nicht verfolgt.",
	},
	ProvesStatement: "Der Begünstigte steht in einer Erklärung, deren SHA-256 im Beleg steht: %s.",
	ProvesNoNames:   "Namen stehen nicht im Kassenbuch: wem das Konto %s gehört, muss jemand anderes sagen.",
	titles: map[string]string{
		"": "Ein Beleg des Kassenbuchs", "settlement.statement": "Was ein Anschluss in einem Intervall bezog, abgab und schuldet", "certificate.issued": "Ausgestellte Zertifikate",
		"certificate.cancelled": "Entwertete Zertifikate", "certificate.transferred": "Weitergegebene Zertifikate",
	},
	sentences: map[string]string{
		"settlement.statement":    "Ab %[1]s wurden %[2]s bezogen und %[3]s abgegeben; der Saldo ist %[4]s.",
		"claimed":                 "%[1]s davon kamen mit Zertifikaten, die damit entwertet sind: niemand kann sie noch einmal verwenden.",
		"certificate.issued":      "%[1]s, die ab %[2]s erzeugt wurden, sind bescheinigt.",
		"certificate.cancelled":   "%[1]s sind entwertet: niemand kann sie weitergeben oder noch einmal verwenden.",
		"beneficiary":             "%[1]s sind für %[2]s entwertet: niemand kann sie weitergeben oder noch einmal verwenden.",
		"certificate.transferred": "%[1]s gingen von einem Konto an ein anderes.",
	},
	names: map[string]string{
		"interval": "Intervall ab", "zone": "Zone", "revision": "Fassung", "taken": "Bezogen", "given": "Abgegeben", "produced": "Erzeugt", "balance": "Saldo",
		"alone": "Mit dem Netz allein", "quality": "Zählerwerte", "claimed": "Mit Verbrauch entwertet", "issued": "Ausgestellt", "device": "Erzeugt von", "line": "Posten", "energy": "Energie", "amount": "Betrag",
		"became": "Was daraus wurde", "lines": "Was gebucht wurde", "certificates": "Zertifikate, die dazugehören", "shares": "Wem es gehört", "whose": "Wem", "purpose": "Zweck",
		"account": "Konto", "from": "Von Konto", "to": "An Konto", "first": "Erstes Intervall ab", "last": "Letztes Intervall ab", "intervals": "Intervalle", "hours": "Stunden", "parts": "Aus welchen Losen", "serials": "Nummern",
		"used": "Verbraucht", "share": "Anteil", "matched": "Stunden ganz mit Zertifikat", "hours_used": "Stunden mit Verbrauch", "day": "Tag", "certified": "Mit Zertifikat", "of_hours": "Stunden", "wholly": "davon ganz", "days": "Tag für Tag", "origins": "Woraus sie sind", "state": "Stand", "member": "Mitglied", "period": "Zeitraum", "cancelled": "Mit eigenen Erklärungen entwertet", "at": "Wann",
		"beneficiary": "Begünstigter", "note": "Vermerk", "statement": "Erklärung, SHA-256",
	},
	words: map[string]string{
		"estimated": "beruhen auf einer Schätzung", "held": "zum Weitergeben oder für später", "claimed": "mit der Energie entwertet", "owner": "dem Eigentümer", "own": "eigene", "neighbour": "einem Nachbarn", "final": "endgültig: kein Zählerstand kann es mehr ändern", "open": "späte Zählerstände können noch berichtigen", "disclosure": "Angabe der Herkunft des Verbrauchs", "product": "ein daraus gemachtes Erzeugnis", "other": "anderes",
		"solar": "Sonne", "wind": "Wind", "hydro": "Wasser", "battery": "Speicher", "generator": "Generator", "meter": "Zähler",
		"neighbour_sold": "An Nachbarn verkauft", "utility_sold": "Ans Netz verkauft", "neighbour_bought": "Von Nachbarn gekauft", "utility_bought": "Vom Netz gekauft", "network_charge": "Netzentgelt", "levy": "Abgabe",
	},
	script: map[string]string{
		"working": "Wird geprüft…", "good": "Der Nachweis stimmt.", "bad": "Der Nachweis stimmt nicht: er scheitert bei „{step}“.", "failed": "Er konnte nicht geprüft werden: {why}",
		"kept": "Sie hatten für dieses Kassenbuch noch nichts, dem Sie vertrauen: {trust} aus eben diesem Nachweis wird ab jetzt in diesem Browser behalten. Das beweist wenig, bis jemand anderes dasselbe nennt.", "held": "Gemessen an {trust}, was dieser Browser behält.",
		"given": "Gemessen an {trust}, was Sie angegeben haben.", "other": "Das ist ein anderer Nachweis als der dieser Seite: {file}.", "says": "Was er sagt", "steps": "Schritte",
		"ok": "getan", "no": "gescheitert", "format": "die Bytes", "chain": "das Kassenbuch", "validators": "die Validatoren", "signatures": "ihre Unterschriften", "trust": "von dem, was Sie glauben, zu diesem Block",
		"app hash": "was der Kopf festhält", "receipt": "die Belege", "log": "im Verzeichnis", "state": "im Zustand", "sum": "die Datei als Ganzes",
	},
}

// OtherPath is a page's address in the other language.
func (w *says) OtherPath(path string) string { return path + "?lang=" + w.OtherLang }

// in returns what is said in a language, English for those that there are not.
func in(lang string) *says {
	if lang == German.Lang {
		return &germanSays
	}
	return &englishSays
}
