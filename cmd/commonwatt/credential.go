package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/commonwatt/commonwatt/live"
	"github.com/commonwatt/commonwatt/session"
	"github.com/commonwatt/commonwatt/store"
)

func credentialCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "credential DIR METER...",
		Short: "Make the user name and password by which a meter's device connects",
		Long: `Credential makes a password for the device of each meter and prints it, once: the
folder keeps a hash. An earlier password of the device is good no longer.

With it the device publishes its signed readings over MQTT or posts them over HTTP, and
nobody else's. That they are its own, its signature says.`,
		Example: `  commonwatt meter credential elm-street anna
  commonwatt meter credential elm-street anna anna-pv -o json`,
		Args: usage(cobra.MinimumNArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			list, address, err := credentials(cmd, args[0], args[1:])
			if err != nil {
				return err
			}
			return printCredentials(cmd.OutOrStdout(), output, args[0], address, list)
		},
		ValidArgsFunction: folders,
	}
	outputFlag(cmd, &output, "table", "how to print it")
	return cmd
}

// credentials issues credentials by the node that runs in a folder, or in the folder
// at rest, and says where devices connect.
func credentials(cmd *cobra.Command, dir string, meters []string) (list []live.Credential, address string, err error) {
	client, err := runningNode(cmd, dir)
	if errors.Is(err, live.ErrNotRunning) {
		list, err = credentialsAtRest(dir, meters)
		return list, "mqtt://" + mqttDefault, err
	}
	if err != nil {
		return nil, "", err
	}
	s, err := client.Status(cmd.Context())
	if err != nil {
		return nil, "", err
	}
	if s.Gateway != nil {
		address = s.Gateway.Address
	}
	list, err = client.Credentials(cmd.Context(), meters)
	return list, address, refusedByNode(err)
}

// credentialsAtRest issues credentials in the folder of a node that does not run.
func credentialsAtRest(dir string, meters []string) (list []live.Credential, err error) {
	c, err := loadCommunity(dir)
	if err != nil {
		return nil, err
	}
	release, err := lockFolder(dir, true)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	devices, err := session.OpenDevices(dir)
	if err != nil {
		return nil, err
	}
	if list, err = live.Credentials(c, devices, meters); err != nil {
		return nil, badInput(err)
	}
	return list, store.Reseal(dir, session.DevicesFile)
}

// printCredentials prints credentials, and the line by which each can be tried.
func printCredentials(w io.Writer, output, dir, address string, list []live.Credential) error {
	if output != "table" {
		var rows [][]string
		for _, c := range list {
			rows = append(rows, []string{c.Meter, c.User, c.Password, c.Reading, c.Receipt})
		}
		return printRows(w, output, []string{"meter", "user", "password", "reading", "receipt"}, rows)
	}
	for _, c := range list {
		fmt.Fprintf(w, "meter     %s\nuser      %s\npassword  %s\npublish   %s\nreceipts  %s\n", c.Meter, c.User, c.Password, c.Reading, c.Receipt)
		if line := mosquitto(dir, address, c); line != "" {
			fmt.Fprintf(w, "\n%s\n\n", line)
		}
	}
	_, err := fmt.Fprintln(w, "A password is shown this once. Keep it in the device and nowhere else.")
	return err
}

// mosquitto is a command that publishes a signed message from a file, where devices
// connect to this node.
func mosquitto(dir, address string, c live.Credential) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	secure := ""
	if u.Scheme == "mqtts" {
		secure = " --cafile " + shellWord(filepath.Join(dir, certFile))
	}
	return fmt.Sprintf("mosquitto_pub -h %s -p %s%s -u %s -P %s -q 1 -t %s -f message.cose", u.Hostname(), u.Port(), secure, c.User, shellWord(c.Password), c.Reading)
}
