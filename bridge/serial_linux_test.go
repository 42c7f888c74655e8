package bridge

import (
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A serial line is set to how P1 ports speak, raw: what a meter sends on it is read byte
// by byte, as carriage returns and line feeds.
func TestSerial(t *testing.T) {
	line, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no pseudo terminals here: ", err)
	}
	defer line.Close()
	if err := unix.IoctlSetPointerInt(int(line.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Skip("there are no pseudo terminals here: ", err)
	}
	number, err := unix.IoctlGetInt(int(line.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Skip("there are no pseudo terminals here: ", err)
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for { // As a meter does, faster.
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				_, _ = line.WriteString("/ISk5\\2MT382-1000\r\n\r\n1-0:1.8.1(00123.456*kWh)\r\n1-0:2.8.1(00000.007*kWh)\r\n!\r\n")
			}
		}
	}()
	list := try(t, meterOf(fmt.Sprintf("source = \"p1\"\nport = \"/dev/pts/%d\"", number)), 20*time.Second)
	if got := fmt.Sprint(list); got != "[{anna 1-0:1.8.x import 123456 } {anna 1-0:2.8.x export 7 }]" {
		t.Error(got)
	}
}
