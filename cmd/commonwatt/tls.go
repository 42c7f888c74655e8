package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Files of a node's own certificate, in its folder.
const (
	certFile    = "tls-cert.pem"
	certKeyFile = "tls-key.pem"
)

// certLife is for how long a node's own certificate is good, and certLeast how
// short that may get before it makes another one. Browsers that were told to trust
// it take no longer ones.
const (
	certLife  = 397 * 24 * time.Hour
	certLeast = 30 * 24 * time.Hour
)

// tlsConfig is how connections are secured: by files, or by a certificate of the
// node's own that names what people open.
func tlsConfig(dir, how, origin, host string) (*tls.Config, error) {
	if how == "auto" {
		names := []string{"localhost", "127.0.0.1", "::1"}
		if u, err := url.Parse(origin); err == nil && u.Hostname() != "" {
			names = append(names, u.Hostname())
		}
		if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() && !ip.IsLoopback() {
			names = append(names, host)
		}
		if err := ownCertificate(dir, names, time.Now()); err != nil {
			return nil, err
		}
		how = filepath.Join(dir, certFile) + "," + filepath.Join(dir, certKeyFile)
	}
	cert, key, two := strings.Cut(how, ",")
	if !two {
		return nil, badInput(fmt.Errorf("--tls %q: write \"auto\", or the files of the certificate and its key as in CERT.pem,KEY.pem", how))
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, badInput(fmt.Errorf("--tls: %w: name the files of a certificate and its key, in PEM", err))
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// ownCertificate leaves a certificate in a folder that is good for names, unless
// there is one.
func ownCertificate(dir string, names []string, now time.Time) error {
	if good, err := certificateGood(filepath.Join(dir, certFile), names, now); good || err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "Commonwatt node"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, certKeyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600),
		os.WriteFile(filepath.Join(dir, certFile), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o600),
	)
}

// certificateGood reports whether a file's certificate is good for names for a
// while.
func certificateGood(path string, names []string, now time.Time) (bool, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return false, nil
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	good := err == nil && cert.NotAfter.Sub(now) >= certLeast
	for _, name := range names {
		good = good && cert.VerifyHostname(name) == nil
	}
	return good, nil // Where it is not, another one is made.
}
