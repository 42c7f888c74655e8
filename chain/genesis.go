package chain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/types"

	"github.com/commonwatt/commonwatt/keyfile"
)

// Files of a node's folder. The keys are its owner's alone.
const (
	genesisFile = "genesis.json"
	signerFile  = "validator_key.json"
	signedFile  = "validator_state.json"
	publicFile  = "validator_public.json" // In place of both where a signer has them.
	nodeFile    = "node_key.json"
)

// Files are those of a chain's folder that a copy of it needs, besides the blocks:
// the genesis, the keys, encrypted where they are, and what was signed last, or, where a
// signer has those, the validator's public key. The log of votes is not among them; a
// chain that starts without one goes on from its last block.
func Files(dir string) []string {
	if _, err := os.Stat(filepath.Join(dir, publicFile)); err == nil {
		return []string{genesisFile, publicFile, nodeFile}
	}
	return []string{genesisFile, signerFile, signedFile, nodeFile}
}

// ErrInitialized means that a folder already has a genesis.
var ErrInitialized = errors.New("chain: the folder already belongs to a chain")

// Genesis is what every validator of a chain starts from.
type Genesis struct {
	ChainID string
	// Time is in seconds since 1970. Before it there is no block.
	Time int64
	// AppState is the application's, opaque here.
	AppState []byte
	// Validators are all of them; none stands for the folder's own key alone.
	Validators []Validator
}

// Identity is a node's public side: the key it votes with, and the name under
// which peers reach it.
type Identity struct {
	Validator []byte
	Node      string
}

// Init makes a folder the start of a chain, with keys of its own unless it has
// them. It is ErrInitialized when the folder has a genesis.
func Init(dir string, g Genesis) error {
	path := filepath.Join(dir, genesisFile)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(ErrInitialized, err)
	}
	self, err := Keys(dir)
	if err != nil {
		return err
	}
	if len(g.Validators) == 0 {
		g.Validators = []Validator{{PublicKey: self.Validator, Power: 1}}
	}
	document, err := g.document()
	if err != nil {
		return fmt.Errorf("chain: init: %w", err)
	}
	if err := saveGenesis(document, dir); err != nil {
		return fmt.Errorf("chain: init: %w", err)
	}
	return nil
}

// Join makes a folder a node of the chain that a genesis document is of, with keys
// of its own unless it has them. It is ErrInitialized when the folder has a genesis.
func Join(dir string, document []byte) error {
	path := filepath.Join(dir, genesisFile)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(ErrInitialized, err)
	}
	genesis, err := types.GenesisDocFromJSON(document)
	if err != nil {
		return fmt.Errorf("chain: join: %w", err)
	}
	if _, err := Keys(dir); err != nil {
		return err
	}
	if err := saveGenesis(genesis, dir); err != nil {
		return fmt.Errorf("chain: join: %w", err)
	}
	return nil
}

// Document returns the genesis document of a folder, and the chain's id.
func Document(dir string) (document []byte, chainID string, err error) {
	genesis, err := types.GenesisDocFromFile(filepath.Join(dir, genesisFile))
	if err != nil {
		return nil, "", fmt.Errorf("chain: %w", err)
	}
	document, err = os.ReadFile(filepath.Join(dir, genesisFile))
	return document, genesis.ChainID, err
}

// Keys returns the identity of a folder, and makes its keys when it has none.
func Keys(dir string) (Identity, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Identity{}, fmt.Errorf("chain: keys: %w", err)
	}
	self, err := identity(dir)
	if err != nil {
		return Identity{}, fmt.Errorf("chain: keys: %w", err)
	}
	return self, nil
}

func identity(dir string) (self Identity, err error) {
	public, err := loadPublic(dir)
	if err == nil { // A signer has the key.
		node, err := loadNode(dir)
		if err != nil {
			return self, err
		}
		return Identity{Validator: public.Bytes(), Node: string(node.ID())}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return self, err
	}
	_, err = os.Stat(filepath.Join(dir, signerFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = makeKeys(dir)
	}
	if err != nil {
		return self, err
	}
	signer, node, err := loadKeys(dir)
	if err != nil {
		return self, err
	}
	return Identity{Validator: signer.Key.PubKey.Bytes(), Node: string(node.ID())}, nil
}

// makeKeys writes the validator's key last: its file says that all are there.
func makeKeys(dir string) error {
	node := p2p.NodeKey{PrivKey: ed25519.GenPrivKey()}
	if err := node.SaveAs(filepath.Join(dir, nodeFile)); err != nil {
		return err
	}
	signer := newSigner(dir, ed25519.GenPrivKey())
	signer.LastSignState.Save()
	signer.Key.Save()
	return lasting(dir, nodeFile, signedFile, signerFile)
}

func newSigner(dir string, key ed25519.PrivKey) *privval.FilePV {
	return privval.NewFilePV(key, filepath.Join(dir, signerFile), filepath.Join(dir, signedFile))
}

// loadKeys reads both keys and what the validator last signed.
func loadKeys(dir string) (*privval.FilePV, *p2p.NodeKey, error) {
	signer, err := loadSigner(dir)
	if err != nil {
		return nil, nil, err
	}
	node, err := loadNode(dir)
	return signer, node, err
}

// loadSigner reads the validator's key and what it last signed. A validator that forgot
// what it signed could sign twice, so that file may not be missing.
func loadSigner(dir string) (*privval.FilePV, error) {
	var key privval.FilePVKey
	if err := readJSON(filepath.Join(dir, signerFile), &key); err != nil {
		return nil, err
	}
	secret, ok := key.PrivKey.(ed25519.PrivKey)
	if !ok {
		return nil, fmt.Errorf("%s does not hold an Ed25519 key", signerFile)
	}
	var last privval.FilePVLastSignState
	err := readJSON(filepath.Join(dir, signedFile), &last)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %s is missing; bring it back, or, if the validator never signed from some height on: commonwatt key sign-from DIR HEIGHT", ErrNoMark, signedFile)
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(soundSigner(key), soundSigned(secret.PubKey(), last)); err != nil {
		return nil, err
	}
	signer := newSigner(dir, secret)
	signed := &signer.LastSignState
	signed.Height, signed.Round, signed.Step = last.Height, last.Round, last.Step
	signed.Signature, signed.SignBytes = last.Signature, last.SignBytes
	return signer, nil
}

// loadNode reads the key by which others know who is at the other end of a connection.
func loadNode(dir string) (*p2p.NodeKey, error) {
	var node p2p.NodeKey
	if err := readJSON(filepath.Join(dir, nodeFile), &node); err != nil {
		return nil, err
	}
	return &node, soundKey(nodeFile, node.PrivKey)
}

func readJSON(path string, into any) error {
	raw, err := keyfile.Read(path)
	if err != nil {
		return err
	}
	if err := cmtjson.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return nil
}

func writeJSON(path string, from any) error {
	raw, err := cmtjson.MarshalIndent(from, "", "  ")
	if err != nil {
		return err
	}
	return keyfile.Replace(path, raw)
}

// encodeAppState makes the application's state a JSON string of base64, because
// CometBFT's genesis is JSON through and through.
func encodeAppState(appState []byte) ([]byte, error) {
	return json.Marshal(append([]byte{}, appState...))
}

// decodeAppState reads what encodeAppState wrote.
func decodeAppState(raw []byte) (appState []byte, err error) {
	if err := json.Unmarshal(raw, &appState); err != nil {
		return nil, fmt.Errorf("the application's state: %w", err)
	}
	return appState, nil
}

// document is the genesis as CometBFT has it.
func (g Genesis) document() (*types.GenesisDoc, error) {
	appState, err := encodeAppState(g.AppState)
	if err != nil {
		return nil, err
	}
	params := types.DefaultConsensusParams()
	params.Block.MaxBytes = blockBytesMax
	params.Evidence.MaxBytes = min(params.Evidence.MaxBytes, blockBytesMax)
	document := &types.GenesisDoc{
		ChainID:         g.ChainID,
		GenesisTime:     time.Unix(g.Time, 0).UTC(),
		ConsensusParams: params,
		AppState:        appState,
	}
	for _, v := range g.Validators {
		if len(v.PublicKey) != ed25519.PubKeySize {
			return nil, fmt.Errorf("a validator's key has %d bytes", len(v.PublicKey))
		}
		document.Validators = append(document.Validators, types.GenesisValidator{
			PubKey: ed25519.PubKey(v.PublicKey),
			Power:  v.Power,
		})
	}
	return document, document.ValidateAndComplete()
}
