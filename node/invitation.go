package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/commonwatt/commonwatt/chain"
	"github.com/commonwatt/commonwatt/proof"
)

// InvitationFile is where a node keeps the invitation by which it joined.
const InvitationFile = "invitation.json"

// Invitation is all that a node needs to join a network. There is no secret in it,
// but whoever has it can read the ledger.
type Invitation struct {
	Format int    `json:"commonwatt_invitation"` // 1.
	Chain  string `json:"chain"`
	// Genesis is the chain's genesis document.
	Genesis json.RawMessage `json:"genesis"`
	// Peers are nodes, each as ID@HOST:PORT.
	Peers []string `json:"peers"`
	// Trust is a block that the inviting node has: a node that joins believes no other
	// chain. It is absent before the first block.
	Trust *proof.Trust `json:"trust,omitempty"`
	// Organisations are those that the inviting node knows by name.
	Organisations []Organisation `json:"organisations,omitempty"`
}

// Errors of invitations and requests.
var (
	ErrInvitation = errors.New("node: this is no invitation to a network")
	ErrRequest    = errors.New("node: this is no request to be admitted to a network")
	ErrOffline    = errors.New("node: nobody can reach this node: it does not listen")
)

// ParseInvitation reads an invitation.
//
// Errors: ErrInvitation.
func ParseInvitation(text []byte) (i Invitation, err error) {
	if err := json.Unmarshal(text, &i); err != nil {
		return i, fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	if i.Format != 1 || i.Chain == "" || len(i.Genesis) == 0 || len(i.Peers) == 0 {
		return i, fmt.Errorf("%w: one has a format of 1, a chain, its genesis and peers", ErrInvitation)
	}
	for _, peer := range i.Peers {
		if err := checkPeer(peer); err != nil {
			return i, fmt.Errorf("%w: peers: %w", ErrInvitation, err)
		}
	}
	if i.Trust != nil {
		if err := i.Trust.Check(); err != nil {
			return i, fmt.Errorf("%w: trust: %w", ErrInvitation, err)
		}
	}
	return i, nil
}

// Invitation invites another node to the running node's network.
//
// Errors: ErrOffline; those of the disk.
func (n *Node) Invitation() (Invitation, error) {
	others := n.chain.Peers()
	peers := make([]string, 0, len(others))
	for _, p := range others {
		peers = append(peers, p.Node+"@"+p.Address)
	}
	return invitation(n.dir, n.settings, peers, n.Headers().Trust)
}

// InvitationIn is Invitation of a stopped node's folder.
func InvitationIn(dir string, s Settings) (Invitation, error) {
	return invitation(dir, s, s.Peers, func(height int64) (proof.Trust, error) { return TrustIn(dir, height) })
}

func invitation(dir string, s Settings, others []string, trust func(int64) (proof.Trust, error)) (i Invitation, err error) {
	if s.Listen == "" {
		return i, ErrOffline
	}
	self, err := chain.Keys(filepath.Join(dir, chainDir))
	if err != nil {
		return i, err
	}
	i = Invitation{Format: 1}
	if i.Genesis, i.Chain, err = chain.Document(filepath.Join(dir, chainDir)); err != nil {
		return i, err
	}
	i.Peers = []string{self.Node + "@" + s.Reached()}
	if i.Organisations, err = LoadOrganisations(dir); err != nil {
		return i, err
	}
	for _, o := range i.Organisations {
		others = append(others, o.Node)
	}
	for _, peer := range others {
		if checkPeer(peer) == nil && !slices.Contains(i.Peers, peer) {
			i.Peers = append(i.Peers, peer)
		}
	}
	t, err := trust(0)
	if err == nil {
		i.Trust = &t
	}
	return i, nil // Before the first block there is none to trust.
}

// Join makes a folder a node of the network that an invitation is to, with keys of
// its own. It is no validator before the council admits it.
//
// Errors: ErrExists; ErrInvitation; *SettingsError; those of the disk.
func Join(dir string, i Invitation, s Settings) (chain.Identity, error) {
	if err := s.Check(); err != nil {
		return chain.Identity{}, err
	}
	if Exists(dir) {
		return chain.Identity{}, fmt.Errorf("%w: %s", ErrExists, dir)
	}
	if s.StateSync && i.Trust == nil {
		return chain.Identity{}, ErrNoTrust
	}
	text, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return chain.Identity{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return chain.Identity{}, fmt.Errorf("node: join: %w", err)
	}
	self, err := chain.Keys(filepath.Join(dir, chainDir))
	if err != nil {
		return self, err
	}
	if err := errors.Join(replaceFile(filepath.Join(dir, InvitationFile), append(text, '\n')), KeepOrganisations(dir, i.Organisations...), s.Save(dir)); err != nil {
		return self, err
	}
	if err := chain.Join(filepath.Join(dir, chainDir), i.Genesis); err != nil { // It comes last: now the folder is a node's.
		return self, fmt.Errorf("%w: %w", ErrInvitation, err)
	}
	return self, nil
}

// ErrNoTrust means that a node is to begin with the state of others, and was not told
// which block to believe.
var ErrNoTrust = errors.New("node: state_sync needs an invitation that names a block to believe: ask for a new one, which the network has once it has blocks")

// trustOf is the block that the invitation in a folder names.
func trustOf(dir string) (*proof.Trust, error) {
	text, err := os.ReadFile(filepath.Join(dir, InvitationFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoTrust
	}
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	i, err := ParseInvitation(text)
	if err == nil && i.Trust == nil {
		err = ErrNoTrust
	}
	return i.Trust, err
}

// Identity is a node's public side; its keys are made when there are none.
func Identity(dir string) (chain.Identity, error) { return chain.Keys(filepath.Join(dir, chainDir)) }

// Peers lists the nodes that are connected.
func (n *Node) Peers() []chain.Peer { return n.chain.Peers() }

// Others is how far the blocks of peers go, as they say.
func (n *Node) Others() int64 { return n.chain.Others() }

// CatchingUp reports whether the node still fetches blocks that others have.
func (n *Node) CatchingUp() bool { return n.chain.CatchingUp() }

// Settings are how the node runs.
func (n *Node) Settings() Settings { return n.settings }
