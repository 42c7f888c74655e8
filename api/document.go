package api

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Document is the OpenAPI 3.1 document of the interface as a demo has it, which is
// every operation that there is. It is made of the operations themselves.
//
// Errors: a type that JSON cannot write.
func Document() ([]byte, error) {
	a := &API{Config: Config{Demo: nobody{}}, mux: http.NewServeMux()}
	a.describe()
	return a.huma.OpenAPI().MarshalJSON()
}

// nobody is the demo of a document.
type nobody struct{}

func (nobody) Speed() float64    { return 0 }
func (nobody) Seed() uint64      { return 0 }
func (nobody) Ready() bool       { return false }
func (nobody) Roles() []DemoRole { return nil }

// neverNull says that our lists may be empty and are never null.
var neverNull = sync.OnceFunc(func() { huma.DefaultArrayNullable = false })

// describe registers every operation.
func (a *API) describe() {
	neverNull()
	c := huma.DefaultConfig("Commonwatt", a.Version)
	c.Info.Description = "A community's energy, settled on a ledger that no single party controls. " +
		"Amounts are integers in the smallest units of the currency, energies in Wh, times in seconds since 1970 UTC; " +
		"\"shown\" figures are rounded so that parts sum to their total. Numbers that name accounts, points and devices are strings."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "/openapi", "", "", nil
	c.Transformers = append(c.Transformers, placed)
	a.huma = humago.New(a.mux, c)
	a.registerMe()
	a.registerHousehold()
	a.registerTrace()
	a.registerCommunity()
	a.registerLedger()
	a.registerEvents()
	a.registerSession()
	a.registerEnvelopes()
	a.registerReadings()
	a.registerDevices()
	a.registerFiles()
	a.registerCertificates()
	a.registerBills()
	a.registerProofs()
	a.registerReference()
	numbersAsStrings(a.huma.OpenAPI().Components.Schemas)
}

// numbersAsStrings says of the fields that JSON writes as strings what they are;
// huma does not know that option of their tags.
func numbersAsStrings(all huma.Registry) {
	for name, schema := range all.Map() {
		t := all.TypeFromRef("#/components/schemas/" + name)
		if t == nil || t.Kind() != reflect.Struct {
			continue
		}
		for _, f := range reflect.VisibleFields(t) {
			key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if property := schema.Properties[key]; property != nil && slices.Contains(strings.Split(options, ","), "string") {
				property.Type, property.Format, property.Minimum, property.Pattern = huma.TypeString, "", nil, "^[0-9]+$"
			}
		}
	}
}
