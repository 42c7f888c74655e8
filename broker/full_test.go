package broker_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/commonwatt/commonwatt/broker"
)

// A device that sends more than there is room for is refused, on each way in its own
// manner; what waits is not dropped, and others are not kept out. When there is room
// again, it is taken.
func TestFull(t *testing.T) {
	const room = 10
	ledger := newBooks()
	ledger.gate, ledger.asked = make(chan struct{}), make(chan int, 100)
	limits := broker.LimitsDefault
	limits.WaitingOfEach = room
	b := open(t, broker.Config{Ledger: ledger, Limits: limits})
	run(t, b)
	c, other := connect(t, b.Address(), anna, 1), connect(t, b.Address(), bela, 1)
	for i := range room {
		c.publish(t, 1, fmt.Sprint(i))
	}
	<-ledger.asked
	c.publish(t, 0, "beyond")
	c.hears(t, "refused beyond: "+string(broker.Full))
	if _, err := b.Post(t.Context(), anna, [][]byte{[]byte("posted")}); !errors.Is(err, broker.ErrFull) {
		t.Errorf("posted: %v", err)
	}
	token := c.Publish(broker.ReadingTopic(anna), 1, false, "acknowledged")
	select {
	case err := <-c.lost: // MQTT 3.1.1 has no other refusal: §4.8.
		t.Log(err)
	case <-time.After(patience):
		t.Fatal("the connection goes on")
	}
	if token.WaitTimeout(patience) && token.Error() == nil {
		t.Error("what there is no room for was acknowledged")
	}
	other.publish(t, 1, "another one's")
	close(ledger.gate)
	other.hears(t, "booked another one's")
	c = connect(t, b.Address(), anna, 1)
	c.publish(t, 1, "acknowledged")
	c.hears(t, "booked acknowledged")
	for i := range room {
		if n := ledger.booked(anna, fmt.Sprint(i)); n != 1 {
			t.Errorf("%d was delivered %d times", i, n)
		}
	}
	if n := ledger.booked(anna, "beyond") + ledger.booked(anna, "posted"); n != 0 {
		t.Errorf("%d that were refused were booked", n)
	}
}
