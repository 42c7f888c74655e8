package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/charmbracelet/x/term"
)

// credentialsVariable names the folder in which systemd gives a service its
// credentials (systemd.exec(5), LoadCredential=), and credentialFile is ours there.
const (
	credentialsVariable = "CREDENTIALS_DIRECTORY"
	credentialFile      = "passphrase"
)

// passphraseLeast is the fewest bytes of a new passphrase (NIST SP 800-63B §5.1.1.1).
const passphraseLeast = 8

// passphraseSource is where the passphrase of keys comes from. It is never an
// argument or a variable: others on the computer could read those.
type passphraseSource struct{ file string }

// read takes the passphrase from the file that was named, from systemd, or from who
// sits at the terminal.
func (s *passphraseSource) read(w io.Writer) ([]byte, error) {
	file := s.file
	if folder := os.Getenv(credentialsVariable); file == "" && folder != "" {
		path := filepath.Join(folder, credentialFile)
		if _, err := os.Stat(path); err == nil {
			file = path
		}
	}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, badInput(fmt.Errorf("the passphrase: %w", err))
		}
		if text = bytes.TrimRight(text, "\r\n"); len(text) == 0 {
			return nil, badInput(fmt.Errorf("the passphrase: %s is empty", file))
		}
		return text, nil
	}
	if !term.IsTerminal(os.Stdin.Fd()) {
		return nil, badInput(errors.New("there is no terminal to ask for the passphrase of the keys on: give a file with it, --passphrase-file FILE"))
	}
	return prompt(w, "Passphrase of the keys: ")
}

// choose takes a new passphrase, from a terminal twice.
func (s *passphraseSource) choose(w io.Writer) ([]byte, error) {
	first, err := s.read(w)
	if err != nil {
		return nil, err
	}
	if len(first) < passphraseLeast {
		return nil, badInput(fmt.Errorf("the passphrase has %d characters: choose one of %d or more; five random words are good", len(first), passphraseLeast))
	}
	if s.file == "" && term.IsTerminal(os.Stdin.Fd()) && os.Getenv(credentialsVariable) == "" {
		again, err := prompt(w, "The same again: ")
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(first, again) {
			return nil, badInput(errors.New("the two differ; nothing was changed"))
		}
	}
	return first, nil
}

// prompt asks on the terminal, which shows nothing of the answer.
func prompt(w io.Writer, text string) ([]byte, error) {
	fmt.Fprint(w, text)
	answer, err := term.ReadPassword(os.Stdin.Fd())
	fmt.Fprintln(w)
	if err == nil && len(answer) == 0 {
		err = badInput(errors.New("no passphrase was given; nothing was changed"))
	}
	return answer, err
}
