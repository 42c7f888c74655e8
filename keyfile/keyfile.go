// Package keyfile keeps files with secret keys, in the clear or encrypted with a
// passphrase.
//
// Its promise: what it encrypted only the passphrase opens, each guess of which costs
// as much memory and time as the file says; a file that was changed anywhere, its
// header included, is refused; a file is replaced whole or not at all; and no
// passphrase is written anywhere.
package keyfile

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// Cost is what a guess of a passphrase costs (RFC 9106 §3.1).
type Cost struct {
	Passes    uint32
	MemoryKiB uint32
	Lanes     uint8
}

// CostDefault is RFC 9106's second recommended option (§4).
var CostDefault = Cost{Passes: 3, MemoryKiB: 64 << 10, Lanes: 4}

// Bounds of what a file may ask for, so that one from elsewhere does not take all
// memory before it is refused.
const (
	passesMax = 64
	memoryMax = 1 << 20 // KiB.
)

// Format 1: PEM (RFC 7468) of type pemType over a header, which is authenticated, and
// what XChaCha20-Poly1305 makes of the file under Argon2id's key of the passphrase:
//
//	magic "commonwatt key" | format 1 | passes (4) | KiB of memory (4) | lanes (1) | salt (16) | nonce (24) | ciphertext and tag
//
// Integers are big-endian. Other formats get other numbers.
const (
	pemType    = "COMMONWATT ENCRYPTED KEY"
	magic      = "commonwatt key"
	format     = 1
	saltSize   = 16
	headerSize = len(magic) + 1 + 4 + 4 + 1 + saltSize + chacha20poly1305.NonceSizeX
)

// Errors of reading encrypted files.
var (
	ErrPassphrase = errors.New("the passphrase is not the one that the keys were encrypted with")
	ErrFormat     = errors.New("this is no encrypted key that this version can read")
)

// Encrypted reports whether a file's text is encrypted.
func Encrypted(text []byte) bool { return bytes.HasPrefix(text, []byte("-----BEGIN "+pemType+"-----")) }

// Encrypt returns a file's text, encrypted.
func Encrypt(text, passphrase []byte, c Cost) []byte {
	random := make([]byte, saltSize+chacha20poly1305.NonceSizeX)
	_, _ = rand.Read(random) // It never fails.
	return encrypt(text, passphrase, c, random)
}

func encrypt(text, passphrase []byte, c Cost, random []byte) []byte {
	header := append([]byte(magic), format)
	header = binary.BigEndian.AppendUint32(header, c.Passes)
	header = binary.BigEndian.AppendUint32(header, c.MemoryKiB)
	header = append(append(header, c.Lanes), random...)
	salt, nonce := random[:saltSize], random[saltSize:]
	sealed := cipherOf(passphrase, salt, c).Seal(header, nonce, text, header)
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: sealed})
}

// aead is what XChaCha20-Poly1305 is used by.
type aead interface {
	Seal(dst, nonce, plaintext, additional []byte) []byte
	Open(dst, nonce, ciphertext, additional []byte) ([]byte, error)
}

func cipherOf(passphrase, salt []byte, c Cost) aead {
	key := argon2.IDKey(passphrase, salt, c.Passes, c.MemoryKiB, c.Lanes, chacha20poly1305.KeySize)
	a, err := chacha20poly1305.NewX(key)
	if err != nil {
		panic(err) // The key has the right size.
	}
	return a
}

// Decrypt returns the text that Encrypt was given.
//
// Errors: ErrFormat; ErrPassphrase, also when the file was changed.
func Decrypt(file, passphrase []byte) ([]byte, error) {
	block, rest := pem.Decode(file)
	if block == nil || block.Type != pemType || len(bytes.TrimSpace(rest)) > 0 || len(block.Bytes) < headerSize {
		return nil, ErrFormat
	}
	header, sealed := block.Bytes[:headerSize], block.Bytes[headerSize:]
	fields, ok := bytes.CutPrefix(header, []byte(magic))
	if !ok || fields[0] != format {
		return nil, ErrFormat
	}
	c := Cost{binary.BigEndian.Uint32(fields[1:]), binary.BigEndian.Uint32(fields[5:]), fields[9]}
	if c.Passes == 0 || c.Lanes == 0 || c.Passes > passesMax || c.MemoryKiB > memoryMax {
		return nil, fmt.Errorf("%w: it asks for %d passes over %d KiB in %d lanes", ErrFormat, c.Passes, c.MemoryKiB, c.Lanes)
	}
	salt, nonce := fields[10:10+saltSize], fields[10+saltSize:]
	text, err := cipherOf(passphrase, salt, c).Open(nil, nonce, sealed, header)
	if err != nil {
		return nil, ErrPassphrase
	}
	return text, nil
}
