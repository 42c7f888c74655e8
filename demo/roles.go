package demo

import (
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
)

// Role is somebody that a visitor of the demo can be.
type Role struct {
	ID    string
	Label string
	pages.Viewer
}

// Roles are those that a visitor can be; the first one is whom the demo opens for.
func (d *Demo) Roles() []Role {
	m := d.Community.Microgrid()
	var list []Role
	for _, home := range []struct{ id, label string }{
		{"Weber", "Weber household"}, {"Albers", "Albers household"}, {"Keller", "Keller household"}, {"Muehlbach", "Mühlbach hydro"},
	} {
		list = append(list, Role{home.id, home.label, pages.Viewer{Account: d.Community.Account(home.id), Role: pages.Household, Microgrid: m}})
	}
	return append(list,
		Role{"operator", "Operator", pages.Viewer{Account: operator.Account, Role: pages.Operator, Microgrid: m}},
		Role{"auditor", "Auditor", pages.Viewer{Role: pages.Auditor, Microgrid: m}},
		Role{"visitor", "Visitor", pages.Viewer{Role: pages.Visitor, Microgrid: m}},
	)
}
