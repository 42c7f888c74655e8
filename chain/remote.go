package chain

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/cometbft/cometbft/crypto"
	"github.com/cometbft/cometbft/crypto/encoding"
	"github.com/cometbft/cometbft/libs/protoio"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	privvalproto "github.com/cometbft/cometbft/proto/tendermint/privval"
	cmtproto "github.com/cometbft/cometbft/proto/tendermint/types"
	"github.com/cometbft/cometbft/types"
)

// How long a node waits for an answer of its signer, and how often it asks whether the
// signer is there. A signer that hears nothing for twice as long looks for the node anew.
const (
	answerTimeout = 3 * time.Second
	askEvery      = 2 * time.Second
	// signerGrace is how long after the start nobody is told that the signer is away.
	signerGrace = 5 * time.Second
)

// Bounds of a signer's messages, and of who may be at the door at once.
const (
	signedBytesMax = 1 << 16
	greetingsMax   = 8
)

// errAway means that the signer did not answer. It may have signed.
var errAway = errors.New("chain: the validator's signer is away")

// errOther means that the signer answered something else than it was asked for.
var errOther = errors.New("chain: the signer's answer is not a signature of this validator under what it was asked for")

// remote signs by asking the process that has the validator's key, which dials the node
// (CometBFT's privval protocol). While it is away the node goes on following; the last
// vote that it was to sign is signed when it is back, as one that took long on its way:
// without it, consensus could wait for this vote for ever. CometBFT's own
// SignerListenerEndpoint would keep consensus waiting instead, and takes whoever dials.
type remote struct {
	public  crypto.PubKey // The validator's.
	own     crypto.PrivKey
	peer    p2p.ID // The signer's.
	address string // Where it is waited for.
	log     *slog.Logger

	chain string
	vote  func(*cmtproto.Vote) // Takes a vote that was asked for while the signer was away.
	door  net.Listener         // Nil before start.

	asking  sync.Mutex // One question at a time is on the line.
	arrived chan struct{}
	ended   chan struct{}
	running sync.WaitGroup

	mu     sync.Mutex
	line   *line
	reason string         // Why nothing can be signed; empty: it can.
	missed bool           // That was told.
	no     string         // Why the signer did not sign what it was asked for last; empty: it did.
	late   *cmtproto.Vote // The last that was asked for while the signer was away.
}

// newRemote is for a signer that is given as ID@HOST:PORT.
func newRemote(signer string, public crypto.PubKey, own crypto.PrivKey, log *slog.Logger) *remote {
	r := &remote{public: public, own: own, log: log, arrived: make(chan struct{}, 1), ended: make(chan struct{}), reason: "it has not connected since the start"}
	r.peer, r.address = idAt(signer)
	return r
}

// start waits for the signer, and hands over votes that come late.
func (r *remote) start(chain string, vote func(*cmtproto.Vote)) (err error) {
	r.chain, r.vote = chain, vote
	if r.door, err = net.Listen("tcp", r.address); err != nil { //nolint:noctx // It is closed with the node.
		return fmt.Errorf("the validator's signer cannot be waited for: %w: give signer in the node's settings another address, and signer.toml the same", err)
	}
	r.running.Go(r.listen)
	r.running.Go(r.keep)
	return nil
}

// stop turns the signer away. It does nothing before start.
func (r *remote) stop() error {
	if r.door == nil {
		return nil
	}
	close(r.ended)
	err := r.door.Close()
	r.drop("the node is being stopped")
	r.running.Wait()
	return err
}

func (r *remote) stopped() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// listen lets those in who dial.
func (r *remote) listen() {
	slots := make(chan struct{}, greetingsMax)
	var greetings sync.WaitGroup
	defer greetings.Wait()
	for {
		c, err := r.door.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // There are too many open files, or the like.
			select {
			case <-time.After(redialEvery):
				continue
			case <-r.ended:
				return
			}
		}
		slots <- struct{}{}
		greetings.Go(func() {
			defer func() { <-slots }()
			r.admit(c)
		})
	}
}

// admit takes the signer's connection. A second one, while the first still answers, is
// of a second process with the signer's key, which must not be.
func (r *remote) admit(c net.Conn) {
	l, err := secure(c, r.own, r.peer)
	if err != nil {
		r.log.Warn("somebody else dialed in place of the validator's signer, or the connection failed", "reason", err)
		return
	}
	if err := r.ping(); err == nil {
		r.log.Error("a second process has the signer's key, and was turned away: if its folder was copied, end one of them, since both together can sign twice", "address", l.RemoteAddr())
		_ = l.Close()
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped() {
		_ = l.Close()
		return
	}
	r.line = l
	select {
	case r.arrived <- struct{}{}:
	default:
	}
}

// keep looks whether the signer is there, until the end.
func (r *remote) keep() {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	grace := time.After(signerGrace)
	for {
		select {
		case <-r.arrived:
			r.welcome()
		case <-tick.C:
			_ = r.ping() // It says so itself when the line is lost.
		case <-grace:
			if why := r.away(); why != "" {
				r.miss()
				r.log.Warn("the validator's signer is away: the node follows and signs nothing; see that \"commonwatt signer up\" runs and reaches this node", "waiting_at", r.address, "reason", why)
			}
		case <-r.ended:
			return
		}
	}
}

// welcome asks a signer that connected for its key, and for the vote that waits for it.
func (r *remote) welcome() {
	err := r.checkKey()
	if errors.Is(err, errAway) {
		return
	}
	if err != nil {
		r.set(err.Error())
		r.log.Error("the signer cannot sign for this node's validator", "reason", err)
		return
	}
	r.set("")
	r.mu.Lock()
	vote, missed := r.late, r.missed
	r.late, r.missed = nil, false
	r.mu.Unlock()
	level := slog.LevelInfo
	if missed { // Who was told that it is away is told that it is back.
		level = slog.LevelWarn
	}
	r.log.Log(context.Background(), level, "the validator's signer is connected")
	if vote != nil {
		r.vote(vote)
	}
}

// checkKey asks which validator's key the signer has.
func (r *remote) checkKey() error {
	answer, err := r.ask(&privvalproto.Message{Sum: &privvalproto.Message_PubKeyRequest{PubKeyRequest: &privvalproto.PubKeyRequest{ChainId: r.chain}}})
	if err != nil {
		return err
	}
	response := answer.GetPubKeyResponse()
	if response == nil {
		return errOther
	}
	if response.Error != nil {
		return fmt.Errorf("it signs for another chain than %s: see signer.toml in its folder", r.chain)
	}
	key, err := encoding.PubKeyFromProto(response.PubKey)
	if err != nil || !key.Equals(r.public) {
		return fmt.Errorf("it has the key of another validator: this node's is %X", r.public.Bytes())
	}
	return nil
}

// ping asks whether the signer is there.
func (r *remote) ping() error {
	_, err := r.ask(&privvalproto.Message{Sum: &privvalproto.Message_PingRequest{PingRequest: &privvalproto.PingRequest{}}})
	return err
}

// ask puts a question. The error is errAway, after which the line is closed: an answer
// that came later would be taken for that to another question.
func (r *remote) ask(question *privvalproto.Message) (answer *privvalproto.Message, err error) {
	r.asking.Lock()
	defer r.asking.Unlock()
	r.mu.Lock()
	l := r.line
	r.mu.Unlock()
	if l == nil {
		return nil, errAway
	}
	answer = &privvalproto.Message{}
	err = l.SetDeadline(time.Now().Add(answerTimeout))
	if err == nil {
		_, err = protoio.NewDelimitedWriter(l).WriteMsg(question)
	}
	if err == nil {
		_, err = protoio.NewDelimitedReader(l, signedBytesMax).ReadMsg(answer)
	}
	if err != nil {
		r.drop("the connection was lost: " + err.Error())
		return nil, fmt.Errorf("%w: %w", errAway, err)
	}
	return answer, nil
}

// drop closes the line, if there is one.
func (r *remote) drop(reason string) {
	r.mu.Lock()
	l, was := r.line, r.reason
	r.line = nil
	if l != nil {
		r.reason = reason
	}
	r.mu.Unlock()
	if l == nil {
		return
	}
	_ = l.Close()
	if was == "" && !r.stopped() {
		r.miss()
		r.log.Warn("the validator's signer is away: the node follows, and signs nothing until it is back", "reason", reason)
	}
}

// miss notes that somebody was told that the signer is away.
func (r *remote) miss() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missed = true
}

func (r *remote) set(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.line != nil {
		r.reason = reason
	}
}

// away says why nothing can be signed, or nothing.
func (r *remote) away() string { return r.standing().Away }

func (r *remote) standing() Signer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Signer{Address: r.address, Away: r.reason, Refused: r.no}
}

// GetPubKey is the validator's key, also while the signer is away.
func (r *remote) GetPubKey() (crypto.PubKey, error) { return r.public, nil }

// askToSign asks a signer that is known to be this validator's.
func (r *remote) askToSign(question *privvalproto.Message) (*privvalproto.Message, error) {
	if why := r.away(); why != "" {
		return nil, fmt.Errorf("%w: %s", errAway, why)
	}
	return r.ask(question)
}

// postpone keeps the last vote that consensus asked for until the signer is back.
func (r *remote) postpone(vote *cmtproto.Vote) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.late == nil || after(vote, r.late) {
		later := *vote
		r.late = &later
	}
}

// after reports whether a validator signs one vote after another.
func after(a, b *cmtproto.Vote) bool {
	return cmp.Or(cmp.Compare(a.Height, b.Height), cmp.Compare(a.Round, b.Round), cmp.Compare(a.Type, b.Type)) > 0
}

// SignVote has a vote signed, now or, if the signer is away, later.
func (r *remote) SignVote(chainID string, vote *cmtproto.Vote) error {
	answer, err := r.askToSign(&privvalproto.Message{Sum: &privvalproto.Message_SignVoteRequest{SignVoteRequest: &privvalproto.SignVoteRequest{Vote: vote, ChainId: chainID}}})
	if err != nil {
		r.postpone(vote)
		return err
	}
	response := answer.GetSignedVoteResponse()
	switch {
	case response == nil:
		return errOther
	case response.Error != nil:
		return r.refused(response.Error)
	}
	signed := response.Vote
	same := signed // A signature that was made before has the time of then.
	same.Timestamp, same.Signature, same.ExtensionSignature = vote.Timestamp, vote.Signature, vote.ExtensionSignature
	if !alike(&same, vote) || !r.public.VerifySignature(types.VoteSignBytes(chainID, &signed), signed.Signature) {
		return errOther
	}
	*vote = signed
	r.say("")
	return nil
}

// SignProposal has a proposal signed. While the signer is away, others propose.
func (r *remote) SignProposal(chainID string, proposal *cmtproto.Proposal) error {
	answer, err := r.askToSign(&privvalproto.Message{Sum: &privvalproto.Message_SignProposalRequest{SignProposalRequest: &privvalproto.SignProposalRequest{Proposal: proposal, ChainId: chainID}}})
	if err != nil {
		return err
	}
	response := answer.GetSignedProposalResponse()
	switch {
	case response == nil:
		return errOther
	case response.Error != nil:
		return r.refused(response.Error)
	}
	signed := response.Proposal
	same := signed
	same.Timestamp, same.Signature = proposal.Timestamp, proposal.Signature
	if !alike(&same, proposal) || !r.public.VerifySignature(types.ProposalSignBytes(chainID, &signed), signed.Signature) {
		return errOther
	}
	*proposal = signed
	r.say("")
	return nil
}

// refused is the signer's no, which its mark or the request is the reason for.
func (r *remote) refused(no *privvalproto.RemoteSignerError) error {
	r.say(no.Description)
	return &privval.RemoteSignerError{Code: int(no.Code), Description: no.Description}
}

func (r *remote) say(no string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.no = no
}

// alike reports whether two messages have the same bytes.
func alike(a, b interface{ Marshal() ([]byte, error) }) bool {
	first, err := a.Marshal()
	second, bad := b.Marshal()
	return err == nil && bad == nil && bytes.Equal(first, second)
}
