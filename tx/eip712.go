package tx

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"
)

const (
	addressSize = 20
	// A signature is r, s and v, 65 bytes, with v 27 or 28: what wallets return.
	recoverableSize = 65
	recoveryBase    = 27
)

// The types and the domain that a wallet shows (EIP-712, encodeType).
const (
	eip712DomainType   = "EIP712Domain(string name,string version)"
	eip712EnvelopeType = "Envelope(string chain,uint64 account,uint64 nonce,uint64 expiry,bytes32 body)"
	eip712Name         = "Commonwatt"
	eip712Version      = "1"
)

// word is one encoded member (EIP-712, encodeData).
type word = [32]byte

// Address returns the Ethereum address of a public key. An EIP712 key is an
// address, not a public key: it is what wallets show, what people copy, and all
// that a page learns of a wallet before its first signature. Recovery of the
// public key then is the verification.
func Address(public *secp256k1.PublicKey) [addressSize]byte {
	hash := keccak(public.SerializeUncompressed()[1:])
	return [addressSize]byte(hash[32-addressSize:])
}

// EIP712Key returns the Key of an address.
func EIP712Key(address [addressSize]byte) Key { return Key{Scheme: EIP712, Public: address[:]} }

// SignEIP712 returns the envelope of a body, signed as a wallet would
// (eth_signTypedData_v4).
func SignEIP712(body *Body, private *secp256k1.PrivateKey) []byte {
	raw := body.Encode()
	hash := typedData(body, Identify(raw))
	compact := ecdsa.SignCompact(private, hash[:], false)
	return Encode(raw, EIP712Key(Address(private.PubKey())), Proof{Signature: append(compact[1:], compact[0])})
}

func verifyEIP712(e *Envelope) error {
	address, err := recoverAddress(typedData(&e.Body, e.ID), e.Proof.Signature)
	if err != nil {
		return err
	}
	if !bytes.Equal(address[:], e.Key.Public) {
		return fmt.Errorf("%w (the signer is 0x%x)", ErrSignature, address)
	}
	return nil
}

// recoverAddress returns the address whose key made a signature over a hash. Of
// the two signatures s and n - s only the lower is taken (EIP-2), and of the ways
// to write v only 27 and 28, so a signature has one form.
func recoverAddress(hash word, signature []byte) (address [addressSize]byte, err error) {
	if len(signature) != recoverableSize {
		return address, fmt.Errorf("%w (r, s and v are 65 bytes, got %d)", ErrSignature, len(signature))
	}
	v := signature[recoverableSize-1]
	if v != recoveryBase && v != recoveryBase+1 {
		return address, fmt.Errorf("%w (v is 27 or 28, got %d)", ErrSignature, v)
	}
	var s secp256k1.ModNScalar
	if s.SetByteSlice(signature[32:64]) || s.IsOverHalfOrder() {
		return address, fmt.Errorf("%w (s is in the upper half of the order)", ErrSignature)
	}
	compact := append([]byte{v}, signature[:64]...)
	public, _, err := ecdsa.RecoverCompact(compact, hash[:])
	if err != nil {
		return address, fmt.Errorf("%w (no key makes this signature)", ErrSignature)
	}
	return Address(public), nil
}

// typedData is the hash that a wallet signs: EIP-712 over the envelope's members,
// so that a person sees chain, account, nonce and expiry, and over the ID, which
// covers the operations.
func typedData(b *Body, id ID) word {
	domain := hashStruct(eip712DomainType, keccak([]byte(eip712Name)), keccak([]byte(eip712Version)))
	envelope := hashStruct(eip712EnvelopeType,
		keccak([]byte(b.Chain)), number(uint64(b.Account)), number(b.Nonce), number(b.Expiry), word(id))
	return keccak([]byte("\x19\x01"), domain[:], envelope[:])
}

// hashStruct is hashStruct of EIP-712 for members that are one word each.
func hashStruct(kind string, members ...word) word {
	data := make([]byte, 0, 32*(1+len(members)))
	typeHash := keccak([]byte(kind))
	data = append(data, typeHash[:]...)
	for _, m := range members {
		data = append(data, m[:]...)
	}
	return keccak(data)
}

// number encodes an unsigned integer: big endian, padded to a word.
func number(n uint64) (w word) {
	binary.BigEndian.PutUint64(w[24:], n)
	return w
}

// keccak is Keccak-256 as Ethereum uses it, which is not SHA3-256.
func keccak(parts ...[]byte) (w word) {
	h := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(w[:0])
	return w
}
