package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/commonwatt/commonwatt/api"
)

// Files of a device's folder.
const (
	deviceKeyFile = "key.pem"     // PKCS #8 (RFC 5958) in PEM.
	deviceFile    = "device.json" // What the node told it.
)

// deviceTimeout bounds a question to the node: it answers when a block is on disk.
const deviceTimeout = time.Minute

// enrolledDevice is a device that enrolled, as its folder has it.
type enrolledDevice struct {
	api.Enrolled
	CA string `json:"ca,omitempty"` // File of the certificate to trust, besides those of the system.

	dir string
	key ed25519.PrivateKey
}

// openDevice reads a device's folder.
func openDevice(dir string) (*enrolledDevice, error) {
	d := &enrolledDevice{dir: dir}
	text, err := os.ReadFile(filepath.Join(dir, deviceFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, badInput(fmt.Errorf("%s: this is no device's folder: \"commonwatt device enrol CODE %s\" makes it one", dir, shellWord(dir)))
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, badInput(fmt.Errorf("%s: %w: enrol the device again", filepath.Join(dir, deviceFile), err))
	}
	d.key, err = readDeviceKey(filepath.Join(dir, deviceKeyFile))
	return d, err
}

// save writes what the node told, whole or not at all.
func (d *enrolledDevice) save() error {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(d.dir, deviceFile)
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// readDeviceKey reads a private key.
func readDeviceKey(path string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, badInput(fmt.Errorf("the device's key: %w", err))
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, badInput(fmt.Errorf("%s: this is not a key in PEM", path))
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, badInput(fmt.Errorf("%s: this is no private Ed25519 key in PKCS #8: %w", path, errors.Join(err, fmt.Errorf("it is a %T", key))))
	}
	return private, nil
}

// makeDeviceKey makes a key in a file that was not there.
func makeDeviceKey(path string) (ed25519.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, badInput(fmt.Errorf("%s is there already, and is not written over: name another folder, or the key with --key", path))
	}
	if err != nil {
		return nil, err
	}
	err = pem.Encode(file, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return private, errors.Join(err, file.Sync(), file.Close())
}

// askNode posts a value to the node and reads its answer. What it refuses is bad input.
func askNode(r *http.Request, ca string, into any) error {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		text, err := os.ReadFile(ca)
		if err != nil {
			return badInput(fmt.Errorf("--ca: %w", err))
		}
		if config.RootCAs, err = x509.SystemCertPool(); err != nil {
			config.RootCAs = x509.NewCertPool()
		}
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return badInput(fmt.Errorf("--ca %s: the file holds no certificate in PEM", ca))
		}
	}
	client := &http.Client{Timeout: deviceTimeout, Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment}}
	defer client.CloseIdleConnections()
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("the node does not answer: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 8<<20))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return fmt.Errorf("the node's answer is cut short: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		var no struct {
			Detail string `json:"detail"`
		}
		if json.Unmarshal(text, &no) != nil || no.Detail == "" {
			no.Detail = string(bytes.TrimSpace(text[:min(len(text), 200)]))
		}
		err := fmt.Errorf("the node answers %s: %s", answer.Status, no.Detail)
		if answer.StatusCode < http.StatusInternalServerError {
			return badInput(err)
		}
		return err
	}
	return json.Unmarshal(text, into)
}
