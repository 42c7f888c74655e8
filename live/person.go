package live

import (
	"fmt"
	"slices"
	"strings"

	"github.com/commonwatt/commonwatt/api"
	"github.com/commonwatt/commonwatt/community"
	"github.com/commonwatt/commonwatt/operator"
	"github.com/commonwatt/commonwatt/pages"
	"github.com/commonwatt/commonwatt/session"
)

// OperatorName is what the operator is called where members have names.
const OperatorName = string(pages.Operator)

// memberPrefix begins what a member is called who has the name of a role.
const memberPrefix = "member:"

// buyerPrefix begins how a buyer is known who signs in.
const buyerPrefix = "buyer:"

// person is somebody who may sign in at this node. At one that follows the operator
// has no business, and before it has the community file only auditors are known.
func (l *Live) person(who string) (p session.Person, err error) {
	if l.follows() && pages.Role(who) == pages.Operator {
		return p, &api.Unfit{Text: "this node is not the operator's: sign in as operator there; here, as a member or as auditor"}
	}
	if pages.Role(who) == pages.Auditor && l.community == nil {
		return session.Person{ID: who, Name: who, Role: who}, nil
	}
	c, err := l.told()
	if err != nil {
		return p, err
	}
	return person(c, who)
}

// person is somebody who may sign in: the operator, an auditor, or a member or a buyer
// by its name in the community file.
func person(c *community.Community, who string) (p session.Person, err error) {
	p = session.Person{ID: who, Name: who, Microgrid: uint64(c.Microgrid())}
	switch pages.Role(who) {
	case pages.Operator:
		p.Role, p.Account = who, uint64(operator.Account)
		return p, nil
	case pages.Auditor:
		p.Role = who
		return p, nil
	case pages.Visitor, pages.Household, pages.Buyer: // Nobody in particular: maybe a member's name.
	}
	p.Name = strings.TrimPrefix(who, memberPrefix)
	p.ID, p.Role, p.Account = memberPrefix+p.Name, string(pages.Household), uint64(c.Account(p.Name))
	if slices.ContainsFunc(c.Buyers, func(b community.Buyer) bool { return b.Name == p.Name }) {
		p.ID, p.Role = buyerPrefix+p.Name, string(pages.Buyer)
		return p, nil
	}
	if !slices.ContainsFunc(c.Members, func(m community.Member) bool { return m.Name == p.Name }) {
		return p, &community.Refused{File: community.File, Reason: fmt.Sprintf(
			"there is no member and no buyer %.80q: give the name of one, operator or auditor; \"commonwatt member list\" lists the members", p.Name)}
	}
	return p, nil
}
