package proof

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/commonwatt/commonwatt/interval"
	"github.com/commonwatt/commonwatt/merkle"
)

// Step is a part of what Verify checks.
type Step string

// The steps, in the order in which Verify takes them.
const (
	StepFormat     Step = "format"     // The bytes are those of a bundle, written in the one way.
	StepChain      Step = "chain"      // It is of the chain that is trusted.
	StepValidators Step = "validators" // Each header's validators are those that it commits to.
	StepSignatures Step = "signatures" // Every signature is good; more than two thirds of the power signed each header.
	StepTrust      Step = "trust"      // A chain of signed headers leads from what is trusted to this header.
	StepAppHash    Step = "app hash"   // The header commits to the state and to the log.
	StepReceipt    Step = "receipt"    // Each receipt is salted, and there once.
	StepLog        Step = "log"        // Each receipt is in the log.
	StepState      Step = "state"      // Each row is in the state, or is not.
	StepSum        Step = "sum"        // It was not changed into another true bundle.
)

// Steps lists them in order.
func Steps() []Step {
	return []Step{
		StepFormat, StepChain, StepValidators, StepSignatures, StepTrust, StepAppHash, StepReceipt, StepLog, StepState, StepSum,
	}
}

// Passed is a step that was taken, and what was found, in words.
type Passed struct {
	Step Step
	Text string
}

// Failed is why a bundle proves nothing: the first step that failed.
type Failed struct {
	Step   Step
	Err    error
	Passed []Passed // The steps before.
}

// Error names the step and why it failed.
func (f *Failed) Error() string { return fmt.Sprintf("proof: %s: %v", f.Step, f.Err) }

// Unwrap returns why the step failed.
func (f *Failed) Unwrap() error { return f.Err }

// Verified is what a bundle proves.
type Verified struct {
	Chain  string
	Height int64         // Of the signed header. Receipts and rows are as of the block before.
	Time   interval.Time // Of the signed header.
	// Signers are who signed the header, of so many validators, and Power is all their
	// power, of Total.
	Signers      []Validator
	Validators   int
	Power, Total int64
	Roots        Roots
	Receipts     []Shown
	Rows         []Row
	// Trust is the trust that can be put into later bundles: in this one's header, with
	// the period of the trust it came from; or the one it came from, if that is later.
	Trust  Trust
	Passed []Passed
}

// Shown is a receipt that is on the ledger.
type Shown struct {
	Height int64 // Of its block.
	Fact   Fact
}

// Row is a row of the ledger's state, or that there is none.
type Row struct {
	Key     []byte
	Row     []byte
	Present bool
}

// Verify says what a bundle proves to somebody who trusts trust at a moment.
//
// Errors: *Failed with the first step that failed; nothing is proven then.
func (b *Bundle) Verify(trust Trust, now interval.Time) (Verified, error) {
	c := checker{Bundle: b, trust: trust, now: now}
	for _, s := range []struct {
		step Step
		take func() (string, error)
	}{
		{StepFormat, c.format},
		{StepChain, c.chain},
		{StepValidators, c.validators},
		{StepSignatures, c.signatures},
		{StepTrust, c.believe},
		{StepAppHash, c.appHash},
		{StepReceipt, c.receipts},
		{StepLog, c.log},
		{StepState, c.state},
		{StepSum, c.whole},
	} {
		text, err := s.take()
		if err != nil {
			return Verified{}, &Failed{s.step, err, c.found.Passed}
		}
		c.found.Passed = append(c.found.Passed, Passed{s.step, text})
	}
	return c.found, nil
}

// checker is a bundle on its way through the steps.
type checker struct {
	*Bundle
	trust   Trust
	now     interval.Time
	blocks  []*Block      // The path, and the bundle's own.
	sets    [][]Validator // The validators of each.
	signers [][]Validator // Who signed each.
	found   Verified
}

func (c *checker) format() (string, error) {
	if err := c.wellFormed(); err != nil {
		return "", err
	}
	for i := range c.Path {
		c.blocks = append(c.blocks, &c.Path[i])
	}
	c.blocks = append(c.blocks, &c.Block)
	return fmt.Sprintf("receipts: %d, rows: %d, signed headers: %d", len(c.Receipts), len(c.Rows), len(c.blocks)), nil
}

func (c *checker) chain() (string, error) {
	if c.trust.Chain != "" && c.trust.Chain != c.Chain {
		return "", fmt.Errorf("the bundle is of chain %q, you trust %q", c.Chain, c.trust.Chain)
	}
	c.found.Chain = c.Chain
	return c.Chain, nil
}

func (c *checker) validators() (string, error) {
	var set []Validator
	for i, b := range c.blocks {
		if len(b.Validators) > 0 {
			if i > 0 && bytes.Equal(b.Header.Validators, c.blocks[i-1].Header.Validators) {
				return "", fmt.Errorf("those of block %d are there twice", b.Header.Height)
			}
			set = b.Validators
		}
		if len(b.Validators) > 0 || i == 0 {
			if err := checkValidators(set, &b.Header); err != nil {
				return "", err
			}
		} else if !bytes.Equal(b.Header.Validators, c.blocks[i-1].Header.Validators) {
			return "", fmt.Errorf("those of block %d are missing", b.Header.Height)
		}
		c.sets = append(c.sets, set)
	}
	c.found.Validators, c.found.Total = len(set), powerOf(set)
	return fmt.Sprintf("those of block %d are %d, with a power of %d", c.Block.Header.Height, len(set), c.found.Total), nil
}

func (c *checker) signatures() (string, error) {
	for i, b := range c.blocks {
		signers, err := b.checkSignatures(c.Chain, c.sets[i])
		if err != nil {
			return "", err
		}
		c.signers = append(c.signers, signers)
		c.found.Signers = signers
	}
	c.found.Power = powerOf(c.found.Signers)
	c.found.Height, c.found.Time = c.Block.Header.Height, c.Block.Header.Seconds()
	return fmt.Sprintf("%d of %d signed block %d, with a power of %d of %d", len(c.found.Signers), c.found.Validators, c.found.Height, c.found.Power, c.found.Total), nil
}

// believe goes from what is trusted to the bundle's own header. All headers follow
// on one another, also those before the trusted one: nothing in a bundle is there
// without a check.
func (c *checker) believe() (string, error) {
	for i := 1; i < len(c.blocks); i++ {
		if err := c.known(i-1).follow(&c.blocks[i].Header, c.signers[i]); err != nil {
			return "", err
		}
	}
	trusted, err := c.start()
	if err != nil {
		return "", err
	}
	if err := c.trust.holds(trusted, &c.Block.Header, c.now); err != nil {
		return "", err
	}
	c.found.Trust = c.trust
	if trusted.Height <= c.Block.Header.Height {
		c.found.Trust = c.Block.trust(c.Chain, c.sets[len(c.sets)-1])
		c.found.Trust.Period = c.trust.Period
	}
	return fmt.Sprintf("from block %d, which is trusted, to block %d", trusted.Height, c.Block.Header.Height), nil
}

// start finds the header that is trusted: it is one of the bundle's, or the next
// one after it in the bundle follows on it, or it is later and its validators signed
// the bundle's.
func (c *checker) start() (*Header, error) {
	if err := c.trust.Check(); err != nil {
		return nil, fmt.Errorf("what you trust contradicts itself: %w", err)
	}
	for i, b := range c.blocks {
		switch height := b.Header.Height; {
		case height < c.trust.Height:
		case height == c.trust.Height:
			if hash := b.Header.Hash(c.Chain); hash != c.trust.Hash {
				return nil, fmt.Errorf("block %d has the hash %s, you trust %s", height, hash, c.trust.Hash)
			}
			return &b.Header, nil
		case c.trust.Header == nil:
			return nil, fmt.Errorf("block %d, which you trust, is not in the bundle: ask for one that begins there", c.trust.Height)
		default:
			trusted := known{c.Chain, c.trust.Header, c.trust.Validators}
			return c.trust.Header, trusted.follow(&b.Header, c.signers[i])
		}
	}
	if c.trust.Header == nil {
		return nil, fmt.Errorf("it ends at block %d, before block %d, which you trust: ask for a newer one, or for one of your block", c.Block.Header.Height, c.trust.Height)
	}
	trusted := known{c.Chain, c.trust.Header, c.trust.Validators}
	return c.trust.Header, trusted.precede(&c.Block.Header, c.signers[len(c.signers)-1])
}

func (c *checker) known(i int) known { return known{c.Chain, &c.blocks[i].Header, c.sets[i]} }

func (c *checker) appHash() (string, error) {
	if hash := c.Roots.AppHash(); !bytes.Equal(hash[:], c.Block.Header.App) {
		return "", fmt.Errorf("the roots make %s, the header says %x", hash, []byte(c.Block.Header.App))
	}
	c.found.Roots = c.Roots
	return fmt.Sprintf("of state %s, and of a log of %d receipts %s", c.Roots.State, c.Roots.Size, c.Roots.Log), nil
}

// saltSize is how many bytes hide a receipt from guesses.
const saltSize = 16

func (c *checker) receipts() (string, error) {
	for i := range c.Receipts {
		r := &c.Receipts[i]
		switch {
		case len(r.Fact.Salt) != saltSize:
			return "", fmt.Errorf("number %d has a salt of %d bytes in place of %d", i, len(r.Fact.Salt), saltSize)
		case i > 0 && r.Index <= c.Receipts[i-1].Index:
			return "", errors.New("they are not in the order of the log, or one is there twice")
		case r.Height < 0 || r.Height >= c.Block.Header.Height:
			return "", fmt.Errorf("number %d is of block %d; the header is of block %d and shows those before", i, r.Height, c.Block.Header.Height)
		}
	}
	return fmt.Sprintf("%d, each with its salt", len(c.Receipts)), nil
}

func (c *checker) log() (string, error) {
	for i := range c.Receipts {
		r := &c.Receipts[i]
		if err := merkle.VerifyInclusion(c.Roots.Log, r.Fact.Leaf(r.Height), r.Index, c.Roots.Size, r.Path); err != nil {
			return "", fmt.Errorf("receipt %d of block %d: %w", r.Index, r.Height, err)
		}
		c.found.Receipts = append(c.found.Receipts, Shown{r.Height, r.Fact})
	}
	return fmt.Sprintf("of %d receipts, each is in it", len(c.Receipts)), nil
}

func (c *checker) state() (string, error) {
	for i := range c.Rows {
		if i > 0 && bytes.Compare(c.Rows[i-1].Key, c.Rows[i].Key) >= 0 {
			return "", errors.New("the rows are not in the order of their keys, or one is there twice")
		}
		row, present, err := c.Rows[i].Verify(c.Roots.State)
		if err != nil {
			return "", fmt.Errorf("row %x: %w", c.Rows[i].Key, err)
		}
		c.found.Rows = append(c.found.Rows, Row{c.Rows[i].Key, row, present})
	}
	return fmt.Sprintf("of %d rows, each is there or is not there, as the bundle says", len(c.Rows)), nil
}

func (c *checker) whole() (string, error) {
	if sum := c.sum(); sum != c.Sum {
		return "", fmt.Errorf("the bytes sum to %s, it says %s", sum, c.Sum)
	}
	return c.Sum.String(), nil
}
