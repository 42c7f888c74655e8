package community

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/commonwatt/commonwatt/certificate"
)

// file is the community file as it is written.
type file struct {
	Community general      `toml:"community"`
	Tariff    fileTariff   `toml:"tariff"`
	Carbon    fileCarbon   `toml:"carbon"`
	Zones     []fileZone   `toml:"zone"`
	Members   []fileMember `toml:"member"`
	Buyers    []fileBuyer  `toml:"buyer"`
}

type general struct {
	Name            string `toml:"name"`
	Currency        string `toml:"currency"`
	Decimals        int    `toml:"decimals"`
	IntervalMinutes int64  `toml:"interval_minutes"`
	TimeZone        string `toml:"time_zone"`
	Mode            string `toml:"mode"`
	PriceRule       string `toml:"price_rule"`
	MembersFirst    bool   `toml:"members_first"`
	CorrectionDays  int    `toml:"correction_days"`
	Certificates    bool   `toml:"certificates"`
	StorageMethod   string `toml:"storage_method"`
}

type fileTariff struct {
	Retail  *decimal     `toml:"retail"`
	File    string       `toml:"file"`
	FeedIn  *decimal     `toml:"feed_in"`
	Levy    *decimal     `toml:"levy"`
	Periods []filePeriod `toml:"period"`
}

type fileCarbon struct {
	File string `toml:"file"`
}

type filePeriod struct {
	Name   string   `toml:"name"`
	Days   []string `toml:"days"`
	From   string   `toml:"from"`
	To     string   `toml:"to"`
	Retail *decimal `toml:"retail"`
}

type fileZone struct {
	ID            string   `toml:"id"`
	Parent        string   `toml:"parent"`
	Charge        *decimal `toml:"charge"`
	ExportLimitKW *decimal `toml:"export_limit_kw"`
	ImportLimitKW *decimal `toml:"import_limit_kw"`
	Loss          *decimal `toml:"loss"`
	Feeder        string   `toml:"feeder"`
}

type fileMember struct {
	Name       string       `toml:"name"`
	Zone       string       `toml:"zone"`
	Meter      string       `toml:"meter"`
	CapacityKW *decimal     `toml:"capacity_kw"`
	BuyLimit   *decimal     `toml:"buy_limit"`
	SellLimit  *decimal     `toml:"sell_limit"`
	Green      bool         `toml:"green"`
	Supply     string       `toml:"supply"`
	Partners   []string     `toml:"partners"`
	Keep       bool         `toml:"keep_certificates"`
	Devices    []fileDevice `toml:"device"`
}

type fileBuyer struct {
	Name string `toml:"name"`
}

type fileDevice struct {
	Meter      string   `toml:"meter"`
	Kind       string   `toml:"kind"`
	CapacityKW *decimal `toml:"capacity_kw"`
	Efficiency *decimal `toml:"efficiency"`
}

// fileBytesMax bounds the community file and those that it names.
const fileBytesMax = 64 << 20

// Load reads the community file at path. A relative tariff.file or carbon.file is
// relative to the folder of the community file. Where one begins with
// ../../shared/, as in the examples, the environment variable COMMONWATT_SHARED
// may name another folder in its place.
//
// Errors: *Refused when the file or one that it names is bad, the error of the
// file system otherwise.
func Load(path string) (*Community, error) {
	text, err := readBounded(path)
	if err != nil {
		return nil, fmt.Errorf("community: %w", err)
	}
	return Parse(path, text)
}

// readBounded reads a file of at most fileBytesMax.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // Only read: nothing is lost.
	text, err := io.ReadAll(io.LimitReader(f, fileBytesMax+1))
	if err == nil && len(text) > fileBytesMax {
		err = fmt.Errorf("%s is larger than %d MiB", path, fileBytesMax>>20)
	}
	return text, err
}

// Parse is Load for the text of a file; path is what messages call it and what
// tariff.file is relative to.
func Parse(path string, text []byte) (*Community, error) {
	raw := file{Community: general{
		Currency: "EUR", Decimals: 6, IntervalMinutes: 60, TimeZone: "UTC",
		Mode: modes[0], MembersFirst: true, CorrectionDays: 45, StorageMethod: methods[certificate.FIFO],
	}}
	lines, orphan := locate(text)
	if orphan != nil {
		orphan.File = path
		return nil, orphan
	}
	if err := decode(text, &raw); err != nil {
		return nil, undecodable(path, err)
	}
	b := builder{path: path, lines: lines, c: &Community{text: text}}
	if err := b.build(&raw); err != nil {
		return nil, err
	}
	return b.c, nil
}

// decode reads a file's fields. The decoder panics at some files whose fault it
// cannot place, such as an unknown field with an escape in its name.
func decode(text []byte, into *file) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("cannot be read as a community file; look for names that are no fields")
		}
	}()
	return toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(into)
}

// undecodable turns an error of the TOML decoder into a refusal.
func undecodable(path string, err error) error {
	if strict, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		unknown := strict.Errors[0]
		line, column := unknown.Position()
		no := noField(unknown.Key(), line, column)
		no.File = path
		return no
	}
	if bad, ok := errors.AsType[*toml.DecodeError](err); ok {
		line, column := bad.Position()
		return &Refused{File: path, Line: line, Column: column, Reason: strings.TrimPrefix(bad.Error(), "toml: ")}
	}
	return &Refused{File: path, Reason: strings.TrimPrefix(err.Error(), "toml: ")}
}

// noField refuses a key that leads nowhere.
func noField(key []string, line, column int) *Refused {
	reason := "is not a field of the community file"
	if near := nearest(key[len(key)-1], fieldsAt(key[:len(key)-1])); near != "" {
		reason += fmt.Sprintf("; did you mean %q?", near)
	} else if fields := fieldsAt(key[:len(key)-1]); len(fields) > 0 {
		reason += "; the fields here are " + strings.Join(fields, ", ")
	}
	return &Refused{Line: line, Column: column, Field: strings.Trim(strconv.Quote(strings.Join(key, ".")), `"`), Reason: reason}
}

// fieldsAt lists the fields of the table that a key leads to.
func fieldsAt(key []string) (fields []string) {
	at, known := typeAt(key)
	if known && at.Kind() == reflect.Slice {
		at = at.Elem()
	}
	if !known || at.Kind() != reflect.Struct {
		return nil
	}
	for field := range at.Fields() {
		fields = append(fields, field.Tag.Get("toml"))
	}
	return fields
}

// isArray reports whether a key leads to an array of tables.
func isArray(key []string) bool {
	at, known := typeAt(key)
	return known && at.Kind() == reflect.Slice && at.Elem().Kind() == reflect.Struct
}

// typeAt returns the type of what a key leads to, and whether there is such a thing.
func typeAt(key []string) (reflect.Type, bool) {
	at := reflect.TypeFor[file]()
	for _, name := range key {
		if at.Kind() == reflect.Slice {
			at = at.Elem()
		}
		if at.Kind() != reflect.Struct {
			return nil, false
		}
		next := at
		for field := range at.Fields() {
			if field.Tag.Get("toml") == name {
				next = field.Type
			}
		}
		if next == at {
			return nil, false
		}
		at = next
	}
	return at, true
}

// beside returns the path of a file named in the community file at path.
func beside(path, name string) string {
	const shared = "../../shared/"
	if rest, ok := strings.CutPrefix(name, shared); ok {
		if folder := os.Getenv("COMMONWATT_SHARED"); folder != "" {
			return filepath.Join(folder, rest)
		}
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(filepath.Dir(path), name)
}
