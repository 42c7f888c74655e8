package community

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// File and PricesFile are what Keep calls a community's files in a ledger's folder.
const (
	File       = "community.toml"
	PricesFile = "prices.csv"
)

// Keep leaves the community's file in a ledger's folder, with the file of prices
// that it names, so that whoever serves the ledger later finds names and tariff
// there. A file is there whole or not at all.
//
// Errors: those of the disk; a text that names its file of prices in another way
// than a plain string.
func (c *Community) Keep(dir string) error {
	text := c.text
	if c.tariff != "" {
		if text = bytes.Replace(text, []byte(`"`+c.tariff+`"`), []byte(`"`+PricesFile+`"`), 1); bytes.Equal(text, c.text) && c.tariff != PricesFile {
			return errors.New("community: tariff.file is not written as a plain string in double quotes: write it so")
		}
		if err := replace(filepath.Join(dir, PricesFile), c.prices); err != nil {
			return err
		}
	}
	return replace(filepath.Join(dir, File), text)
}

// replace writes a file whole or not at all.
func replace(path string, content []byte) error {
	draft, err := os.CreateTemp(filepath.Dir(path), ".draft-*")
	if err != nil {
		return fmt.Errorf("community: %w", err)
	}
	_, err = draft.Write(content)
	err = errors.Join(err, draft.Sync(), draft.Close())
	if err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("community: %w", err), os.Remove(draft.Name()))
	}
	return nil
}
