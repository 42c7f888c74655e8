package community_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/commonwatt/commonwatt/community"
)

// A buyer is an account of its own, with a name that nobody else has.
func TestBuyers(t *testing.T) {
	ann := least + "[[member]]\nname = \"ann\"\n"
	c := parse(t, ann+"[[buyer]]\nname = \"mill\"\n[[buyer]]\nname = \"dairy\"\n")
	if len(c.Buyers) != 2 || c.Buyers[0].Name != "mill" || c.Account("mill") == c.Account("dairy") {
		t.Errorf("%+v", c.Buyers)
	}
	for text, want := range map[string]string{
		"[[buyer]]\n":                                        `buyer[0].name: "" is no identifier`,
		"[[buyer]]\nname = \"a mill\"\n":                     `buyer[0].name: "a mill" is no identifier`,
		"[[buyer]]\nname = \"Utility\"\n":                    `buyer[0].name: "Utility" is reserved`,
		"[[buyer]]\nname = \"ann\"\n":                        `buyer[0].name: "ann" is member[0] already`,
		"[[buyer]]\nname = \"m\"\n[[buyer]]\nname = \"m\"\n": `buyer[1].name: "m" is buyer[0] already`,
		"[[buyer]]\nname = \"m\"\nmeter = \"m\"\n":           "buyer.meter: is not a field",
	} {
		_, err := community.Parse("c.toml", []byte(ann+text))
		if _, refused := errors.AsType[*community.Refused](err); !refused || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
