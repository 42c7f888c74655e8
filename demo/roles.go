package demo

import (
	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
)

// Roles are those that a visitor can be; the first one is whom the demo opens for.
func (d *Demo) Roles() []api.DemoRole {
	m := d.Community.Microgrid()
	var list []api.DemoRole
	for _, home := range []struct{ id, label string }{
		{"Weber", "Weber household"}, {"Albers", "Albers household"}, {"Keller", "Keller household"}, {"Muehlbach", "Mühlbach hydro"},
	} {
		list = append(list, api.DemoRole{ID: home.id, Label: home.label, Viewer: pages.Viewer{
			Account: d.Community.Account(home.id), Role: pages.Household, Microgrid: m,
		}})
	}
	return append(list,
		api.DemoRole{ID: "Molkerei", Label: "Dairy, buys certificates", Viewer: pages.Viewer{Account: d.Community.Account("Molkerei"), Role: pages.Buyer, Microgrid: m}},
		api.DemoRole{ID: "operator", Label: "Operator", Viewer: pages.Viewer{Account: operator.Account, Role: pages.Operator, Microgrid: m}},
		api.DemoRole{ID: "auditor", Label: "Auditor", Viewer: pages.Viewer{Role: pages.Auditor, Microgrid: m}},
		api.DemoRole{ID: "visitor", Label: "Visitor", Viewer: pages.Viewer{Role: pages.Visitor, Microgrid: m}},
	)
}
