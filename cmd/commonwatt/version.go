package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionInfo says which program this is.
type versionInfo struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Go       string `json:"go"`
	CometBFT string `json:"cometbft"`
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
	v := versionInfo{Version: "(devel)", Revision: "unknown", Go: runtime.Version(), CometBFT: "unknown"}
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
		_, err = fmt.Fprintf(w, "version,revision,go,cometbft\n%s,%s,%s,%s\n", v.Version, v.Revision, v.Go, v.CometBFT)
	default:
		_, err = fmt.Fprintf(w, "commonwatt %s (%s)\n%s, cometbft %s\n", v.Version, v.Revision, v.Go, v.CometBFT)
	}
	return err
}
