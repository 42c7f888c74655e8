package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/machine"
	"github.com/commonwatt/commonwatt/node"
)

// rulesNewest, which the linker may set, makes this program know a ledger's rules up to
// that version only, as an older one does, to rehearse an upgrade:
//
//	go build -ldflags "-X main.rulesNewest=1"
var rulesNewest string

// limitRules heeds rulesNewest.
func limitRules() error {
	if rulesNewest == "" {
		return nil
	}
	newest, err := strconv.ParseUint(rulesNewest, 10, 32)
	if err != nil || newest < uint64(machine.RulesOldest) || newest > uint64(machine.RulesNewest) {
		return fmt.Errorf("this program was linked with rulesNewest=%q: give %d to %d", rulesNewest, machine.RulesOldest, machine.RulesNewest)
	}
	node.LimitRules(uint32(newest))
	return nil
}

// versionInfo says which program this is.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	CometBFT string `json:"cometbft"`
	Rules    string `json:"rules"` // The versions that it executes blocks by.
}

func versionCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Say which version this is and what it was built from",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			return printVersion(cmd.OutOrStdout(), output, readVersion())
		},
	}
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

func readVersion() versionInfo {
	v := versionInfo{Version: "(devel)", Revision: "unknown", Go: runtime.Version(), CometBFT: "unknown", Rules: fmt.Sprintf("%d to %d", machine.RulesOldest, node.RulesNewest())}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v.Revision = s.Value
		}
	}
	for _, d := range info.Deps {
		if d.Path == "github.com/cometbft/cometbft" {
			v.CometBFT = d.Version
		}
	}
	return v
}

func printVersion(w io.Writer, output string, v versionInfo) error {
	var err error
	switch output {
	case "json":
		err = json.NewEncoder(w).Encode(v)
	case "csv":
		_, err = fmt.Fprintf(w, "version,revision,go,cometbft,rules\n%s,%s,%s,%s,%s\n", v.Version, v.Revision, v.Go, v.CometBFT, v.Rules)
	default:
		_, err = fmt.Fprintf(w, "commonwatt %s (%s)\n%s, cometbft %s\nknows the rules %s of a ledger\n", v.Version, v.Revision, v.Go, v.CometBFT, v.Rules)
	}
	return err
}
