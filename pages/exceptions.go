package pages

import (
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/tx"
)

// Exceptions is what somebody should look at in a month, by meter: those first that
// need somebody.
type Exceptions struct {
	Microgrid grid.MicrogridID  `json:"microgrid,string"`
	Name      string            `json:"name"`
	Month     string            `json:"month"`
	Now       interval.Time     `json:"now"`
	Settled   int64             `json:"settled" doc:"intervals of the month"`
	Open      int               `json:"open" doc:"meters that need somebody: something is missing, suspicious or disputed, and not corrected since"`
	Meters    []MeterExceptions `json:"meters" doc:"by class, then the latest first"`
	More      bool              `json:"more" doc:"there are so many that not all are here"`
}

// Class says how urgent an exception is.
type Class string

// Classes, the most urgent first.
const (
	Missing    Class = "missing"    // There is no usable reading.
	Suspicious Class = "suspicious" // There is one, and it may be wrong.
	Disputed   Class = "disputed"   // The member says that it is wrong.
	Told       Class = "told"       // It has been dealt with, and is told.
)

// MeterExceptions are those of one meter.
type MeterExceptions struct {
	Device     grid.DeviceID `json:"device,string"`
	Meter      string        `json:"meter"`
	Kind       string        `json:"kind" doc:"meter, feeder, solar, ..."`
	Member     string        `json:"member" doc:"\"\" of a feeder meter"`
	Account    tx.AccountID  `json:"account,string" doc:"0 of a feeder meter"`
	Class      Class         `json:"class" enum:"missing,suspicious,disputed,told" doc:"the most urgent of its exceptions"`
	Exceptions []Exception   `json:"exceptions" doc:"by class, then the latest first"`
}

// Exception is what somebody should look at.
type Exception struct {
	Reason  string        `json:"reason" doc:"missing, stuck, ... as in package metering"`
	Class   Class         `json:"class" enum:"missing,suspicious,disputed,told"`
	From    interval.Time `json:"from"`
	To      interval.Time `json:"to" doc:"the end of the last interval"`
	Import  int64         `json:"import_wh"`
	Export  int64         `json:"export_wh"`
	Count   int64         `json:"count" doc:"intervals"`
	Way     string        `json:"way" doc:"how what was settled came about: interpolated, like_day, interval_before, nothing_known, evenly, like_days; \"\" when the meter said it"`
	Days    int64         `json:"days" doc:"how many days before the like day was"`
	Settled bool          `json:"corrected" doc:"a reading came later and the settlement was corrected"`
}
