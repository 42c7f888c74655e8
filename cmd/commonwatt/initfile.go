package main

import (
	"cmp"
	"strings"

	"github.com/commonwatt/commonwatt/community"
)

// foundedFile is the community file that init writes. What stands in braces is
// the answer to a question.
const foundedFile = `# Who belongs to the community, and at which prices. Edit it as you like: a running
# node notices, books what changed, and says so when something is wrong with it.
# docs/community-file.md explains every field.

# The numbers on the ledger are made of the name, so it never changes. Neither do
# currency and interval_minutes, for which each reading of the meters is.
[community]
name = {name}
currency = {currency}
interval_minutes = {interval}
time_zone = {time-zone}

# How members trade among themselves before the supplier: "uniform" is one price
# for everybody; "mid-market" lies between what the supplier asks and pays.
mode = "uniform"

# What the supplier asks and pays, per kWh.
[tariff]
retail = {retail}
feed_in = {feed-in}
# levy = 0.02           # What the state takes of every kWh used.

# Another price at some hours:
# [[tariff.period]]
# name = "night"
# from = "22:00"
# to = "06:00"
# retail = 0.26

# Lines: without any, all members are on one.
# [[zone]]
# id = "substation"
#
# [[zone]]
# id = "street"
# parent = "substation"
# charge = 0.01         # Per kWh that crosses the line.
# loss = 0.015          # Share that is lost on the way.

# Members, with what they have behind their connection:
#     commonwatt member add DIR anna
#     commonwatt meter add DIR anna anna-pv --kind solar --capacity-kw 8
# writes
# [[member]]
# name = "anna"
#
# [[member.device]]
# meter = "anna-pv"
# kind = "solar"
# capacity_kw = 8
`

// plainNumber reports whether a text is a number with the digits before and, if there
// may be a point, after it.
func plainNumber(text, point string) bool {
	whole, fraction, has := strings.Cut(text, ".")
	if has && (point == "" || fraction == "") || whole == "" || len(text) > 9 {
		return false
	}
	return strings.Trim(whole+fraction, "0123456789") == "" && (whole == "0" || whole[0] != '0')
}

// text is the community's file. Numbers are written as they were given; what is
// none is refused where it stands.
func (a *replies) text() []byte {
	var pairs []string
	for _, q := range a.list {
		value := q.value
		if value == "" {
			value = cmp.Or(q.otherwise, "0") // To be asked yet.
		}
		switch {
		case q.flag == "interval" && !plainNumber(value, ""):
			value = "0" // Which is no length, and refused as one.
		case q.flag == "interval", q.flag != "name" && plainNumber(value, "."):
		default:
			value = community.Text(value)
		}
		pairs = append(pairs, "{"+q.flag+"}", value)
	}
	return []byte(strings.NewReplacer(pairs...).Replace(foundedFile))
}
