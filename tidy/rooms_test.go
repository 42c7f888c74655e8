package tidy

import (
	"slices"
	"strings"
)

// module is the path that our import paths start with.
const module = "github.com/commonwatt/commonwatt/"

// room is a group of packages that stand at one height of the house.
type room struct {
	name     string
	packages string
	ordered  bool // A package may import those before it; else none of its room.
}

// rooms is the order of the house, from the ground up: a package may import the
// packages of the rooms before its own. docs/decisions/0001 says why.
var rooms = []room{
	{"words", "quantity interval codec", false},
	{"contract", "merkle state tx op proof", true},
	{"domains", "party ledger grid metering device tariff auction market certificate governance settlement", true},
	{"machine", "machine", false},
	{"admission", "admission", false},
	{"keys", "keyfile", false},
	{"adapters", "chain store gateway registry broker view session", false},
	{"wiring", "node bench monitor community operator sim attribution report pages homeassistant paper bill docs web verifier/wasm verifier api server live fleet bridge demo cmd/commonwatt", true},
	{"tests", "optest pgtest optest/memory tidy tidy/mutants docs/gen cluster faults", false},
}

// pureRooms decide consensus: every node computes the same from the same block.
const pureRooms = "words contract domains machine"

// theirs is the modules of others that a package may import, besides the
// standard library.
var theirs = map[string]string{
	"codec":          "github.com/fxamacker/cbor/v2",
	"state":          "github.com/tidwall/btree",
	"tx":             "github.com/oasisprotocol/curve25519-voi github.com/decred/dcrd/dcrec/secp256k1/v4 golang.org/x/crypto",
	"device":         "github.com/veraison/go-cose",
	"keyfile":        "golang.org/x/crypto",
	"admission":      "github.com/oasisprotocol/curve25519-voi",
	"chain":          "github.com/cometbft/cometbft github.com/cometbft/cometbft-db github.com/go-kit/kit github.com/prometheus/client_golang",
	"store":          "github.com/cockroachdb/pebble/v2 github.com/hashicorp/golang-lru/v2",
	"view":           "modernc.org/sqlite github.com/jackc/pgx/v5",
	"session":        "github.com/go-webauthn/webauthn",
	"broker":         "github.com/nats-io/nats-server/v2 github.com/nats-io/nats.go",
	"community":      "github.com/knadh/koanf github.com/pelletier/go-toml/v2",
	"bridge":         "github.com/eclipse/paho.mqtt.golang github.com/pelletier/go-toml/v2 golang.org/x/sys",
	"paper":          "codeberg.org/go-pdf/fpdf github.com/skip2/go-qrcode",
	"docs":           "github.com/yuin/goldmark",
	"api":            "github.com/danielgtaylor/huma/v2 golang.org/x/time",
	"node":           "github.com/knadh/koanf github.com/pelletier/go-toml/v2 github.com/prometheus/client_golang",
	"monitor":        "github.com/prometheus/client_golang",
	"cluster":        "golang.org/x/sys",
	"fleet":          "github.com/eclipse/paho.mqtt.golang",
	"cmd/commonwatt": "github.com/skip2/go-qrcode github.com/spf13/cobra charm.land/lipgloss/v2 github.com/charmbracelet/x/term github.com/knadh/koanf github.com/pelletier/go-toml/v2 github.com/prometheus/client_golang",
}

// oursInTests is the packages of ours that only tests import, in any room.
const oursInTests = "optest pgtest optest/memory"

// theirsInTests is the modules that tests of any package may import.
const theirsInTests = "github.com/eclipse/paho.mqtt.golang github.com/nats-io/nats-server/v2 pgregory.net/rapid github.com/rogpeppe/go-internal github.com/transparency-dev/merkle"

// theirsAlone is parts of the standard library that one package keeps for itself.
var theirsAlone = map[string]string{
	"database/sql":        "view",
	"database/sql/driver": "view",
}

// pureStandard is what pure packages may import of the standard library:
// nothing with a clock, I/O, randomness or other goroutines.
const pureStandard = `bufio bytes cmp container/heap crypto/ecdsa crypto/ed25519 crypto/elliptic
	crypto/hmac crypto/sha256 crypto/sha512 crypto/subtle encoding encoding/base64 encoding/binary
	encoding/hex encoding/json errors fmt hash iter maps math math/big math/bits slices sort strconv
	strings unicode unicode/utf8`

// roomOf returns the index of the room that holds a package, or -1.
func roomOf(pkg string) int {
	return slices.IndexFunc(rooms, func(r room) bool { return listed(r.packages, pkg) })
}

// pure reports whether a package decides consensus.
func pure(pkg string) bool {
	i := roomOf(pkg)
	return i >= 0 && listed(pureRooms, rooms[i].name)
}

// mayImport reports whether one package of ours may import another.
func mayImport(pkg, dep string) bool {
	above, below := roomOf(pkg), roomOf(dep)
	switch {
	case below < 0 || below > above:
		return false
	case below < above:
		return true
	case !rooms[above].ordered:
		return false
	}
	names := strings.Fields(rooms[above].packages)
	return slices.Index(names, dep) < slices.Index(names, pkg)
}

// listed reports whether a word is in a list of words.
func listed(list, word string) bool { return slices.Contains(strings.Fields(list), word) }

// under reports whether an import path is in one of the modules.
func under(modules, path string) bool {
	return slices.ContainsFunc(strings.Fields(modules), func(m string) bool {
		return path == m || strings.HasPrefix(path, m+"/")
	})
}
