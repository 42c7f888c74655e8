package community

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// What Keep calls a community's files in a ledger's folder.
const (
	File       = "community.toml"
	PricesFile = "prices.csv"
	CarbonFile = "carbon.csv"
)

// Keep leaves the community's file in a ledger's folder, with the files of prices
// and of carbon factors that it names, so that whoever serves the ledger later finds
// names, tariff and factors there. A file is there whole or not at all.
//
// Errors: those of the disk; a text that names one of them in another way than a
// plain string.
func (c *Community) Keep(dir string) error {
	text := c.text
	for _, f := range [...]struct {
		field, named, kept string
		content            []byte
	}{
		{"tariff.file", c.tariff, PricesFile, c.prices}, {"carbon.file", c.carbon, CarbonFile, c.factors},
	} {
		if f.named == "" {
			continue
		}
		renamed := bytes.Replace(text, []byte(`"`+f.named+`"`), []byte(`"`+f.kept+`"`), 1)
		if bytes.Equal(renamed, text) && f.named != f.kept {
			return fmt.Errorf("community: %s is not written as a plain string in double quotes: write it so", f.field)
		}
		text = renamed
		if err := replace(filepath.Join(dir, f.kept), f.content); err != nil {
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
