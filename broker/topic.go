package broker

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/commonwatt/commonwatt/grid"
)

// The topics of a device, commonwatt/<microgrid>/<device>/reading and …/receipt, as
// NATS calls them: with dots (nats-server, README-MQTT). What was published with
// QoS 1 or 2 is stored under its subject behind storedPrefix.
const (
	root         = "commonwatt"
	readingWord  = "reading"
	receiptWord  = "receipt"
	storedPrefix = "$MQTT.msgs."

	readings = root + ".*.*." + readingWord
	receipts = root + ".*.*." + receiptWord
	sessions = "$MQTT.sess.>"
)

// User is the name by which a device connects: its microgrid's number and its own.
func User(d grid.Device) string { return fmt.Sprintf("%d/%d", d.Microgrid, d.Device) }

// ReadingTopic is where a device publishes.
func ReadingTopic(d grid.Device) string { return root + "/" + User(d) + "/" + readingWord }

// ReceiptTopic is where a device is told what became of its messages.
func ReceiptTopic(d grid.Device) string { return root + "/" + User(d) + "/" + receiptWord }

// subject is a topic of a device in the words of NATS.
func subject(d grid.Device, word string) string {
	return fmt.Sprintf("%s.%d.%d.%s", root, d.Microgrid, d.Device, word)
}

// deviceOf is the device that a user name, or the middle of a topic, is of. Each
// device has one name.
func deviceOf(user, between string) (d grid.Device, ok bool) {
	microgrid, device, _ := strings.Cut(user, between)
	m, bad := strconv.ParseUint(microgrid, 10, 64)
	n, worse := strconv.ParseUint(device, 10, 64)
	d = grid.Device{Microgrid: grid.MicrogridID(m), Device: grid.DeviceID(n)}
	return d, bad == nil && worse == nil && User(d) == microgrid+"/"+device
}

// published is the device on whose reading topic a stored message is.
func published(stored string) (grid.Device, bool) {
	user, reading := strings.CutSuffix(strings.TrimPrefix(stored, storedPrefix), "."+readingWord)
	user, ours := strings.CutPrefix(user, root+".")
	d, ok := deviceOf(user, ".")
	return d, ok && reading && ours
}
