package report

import (
	"testing"

	"github.com/commonwatt/commonwatt/grid"
)

// TestLosses shows the bills of two hours on lines that lose 3 %: 10 of a price of
// 320, so a path costs 50. At first dot's meter is silent, and cem takes 1,000 Wh of
// the utility, of which the south's line loses 30. In the second hour ann gives 700
// Wh, of which 21 are lost in the north and 15 of the 500 that dot takes in the
// south: that comes late, and was estimated as nothing.
func TestLosses(t *testing.T) {
	w := found(t)
	w.lines(grid.Line{Charge: 40, ExportLimit: 600, ImportLimit: grid.NoLimit, LossPPM: 30_000})
	w.read(0, 0, 0, 1_000, 0)
	w.read(1, -700, 0, 0, missing)
	w.settle()
	w.read(1, missing, missing, missing, 500)
	w.settle()
	dir, s := written(t, w.view(3))
	if got, want := "\n"+text(t, dir, "bills.csv"), `
account,period,line,energy_wh,amount
ann,2016-07,utility_sold,700,-56000
ann,2016-07,network_charge,700,35000
ann,2016-07,correction,0,-60000
cem,2016-07,utility_bought,1000,320000
cem,2016-07,network_charge,1000,50000
cem,2016-07,levy,1000,20000
dot,2016-07,correction,500,135000
utility,2016-07,utility_bought,1000,-320000
utility,2016-07,utility_sold,700,56000
utility,2016-07,loss,51,-16320
utility,2016-07,correction,-515,-44800
network,2016-07,network_charge,1700,-85000
network,2016-07,loss,51,16320
network,2016-07,correction,15,-20200
levy,2016-07,levy,1000,-20000
levy,2016-07,correction,0,-10000
`; got != want {
		t.Errorf("bills.csv:%s", got)
	}
	if s.Lost != 30+21+15 || s.Loss != 66*320 {
		t.Errorf("%d Wh are lost for %d", s.Lost, s.Loss)
	}
}

// TestLinesOverTheirLimit merges hours that follow one another, each way by itself.
// South's 2,000 Wh from the grid are at its limit, not over it.
func TestLinesOverTheirLimit(t *testing.T) {
	w := found(t)
	w.lines(grid.Line{ExportLimit: 1_500, ImportLimit: 2_000})
	w.read(0, -1_600, 0, -1_600, 0)
	w.read(1, -1_800, 0, 0, 0)
	w.read(2, -1_700, 0, 2_000, 0)
	w.read(3, 2_001, 0, 0, 0)
	w.read(4, 0, 0, -1_000, -501)
	w.settle()
	dir, s := written(t, w.view(3))
	want := `
start,end,meter,reason,import_wh,export_wh,detail
2016-08-01T00:00:00Z,2016-08-01T03:00:00Z,north,line_overload,0,1800,"Up to 1800 Wh flowed out of the zone in each of 3 intervals, and its line's limit is 1500 Wh. All of it is settled; check the limit, or what can be shifted to another hour."
2016-08-01T03:00:00Z,2016-08-01T04:00:00Z,north,line_overload,2001,0,"2001 Wh flowed into the zone in one interval, and its line's limit is 2000 Wh. All of it is settled; check the limit, or what can be shifted to another hour."
2016-08-01T00:00:00Z,2016-08-01T01:00:00Z,south,line_overload,0,1600,"1600 Wh flowed out of the zone in one interval, and its line's limit is 1500 Wh. All of it is settled; check the limit, or what can be shifted to another hour."
2016-08-01T04:00:00Z,2016-08-01T05:00:00Z,south,line_overload,0,1501,"1501 Wh flowed out of the zone in one interval, and its line's limit is 1500 Wh. All of it is settled; check the limit, or what can be shifted to another hour."
`
	if got := "\n" + text(t, dir, "exceptions.csv"); got != want || s.Exceptions != 4 {
		t.Errorf("%d exceptions:%s", s.Exceptions, got)
	}
}
