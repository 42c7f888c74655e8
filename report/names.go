package report

import (
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/grid"
	"github.com/commonwatt/commonwatt/tx"
)

// NamesOf are the names of a community file, by the ledger's numbers.
func NamesOf(c *community.Community) Names {
	n := Names{
		Community: c.Name, Currency: c.Currency, Decimals: c.Decimals, TimeZone: c.TimeZone, Carbon: c.Carbon,
		Accounts: map[tx.AccountID]string{}, Zones: map[grid.ZoneID]string{}, Meters: map[grid.DeviceID]string{},
	}
	for _, name := range []string{community.UtilityName, community.NetworkName, community.LevyName} {
		n.Accounts[c.Account(name)] = name
	}
	for _, m := range c.Members {
		n.Accounts[c.Account(m.Name)] = m.Name
		n.Members = append(n.Members, c.Account(m.Name))
	}
	for _, b := range c.Buyers {
		n.Accounts[c.Account(b.Name)] = b.Name
		n.Buyers = append(n.Buyers, c.Account(b.Name))
	}
	for _, z := range c.Zones {
		n.Zones[c.ZoneID(z.ID)] = z.ID
	}
	for _, id := range c.Meters().All() {
		n.Meters[c.DeviceID(id)] = id
	}
	return n
}
