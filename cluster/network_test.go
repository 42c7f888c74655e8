package cluster

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// network is what lies between the nodes.
type network interface {
	// address is where a node listens.
	address(i int) string
	// command is a program that runs where a node is.
	command(i int, program string) *exec.Cmd
}

// loopback has all nodes on one address, each with its own port.
type loopback []string

func newLoopback(t *testing.T, size int) loopback {
	t.Helper()
	var l loopback
	for range size {
		// All are held until all are known, so that no two are the same, and are below
		// those that the system gives whoever dials.
		for {
			taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 16_000+rand.IntN(16_000)))
			if err == nil {
				defer taken.Close()
				l = append(l, taken.Addr().String())
				break
			}
		}
	}
	return l
}

func (l loopback) address(i int) string                    { return l[i] }
func (l loopback) command(_ int, program string) *exec.Cmd { return exec.Command(program) }

// spaces has each node in a network namespace of its own, all on one bridge. Packets
// that a node is not to get are dropped where they arrive, without a word to whoever
// sent them, as a broken line does.
type spaces struct {
	t     *testing.T
	names []string // The last is the bridge's.
}

// newSpaces needs the right to make namespaces, which root has.
func newSpaces(t *testing.T, size int) *spaces {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("network namespaces need root")
	}
	for _, program := range []string{"ip", "nft", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("network namespaces need iproute2, nftables and util-linux: %v", err)
		}
	}
	s := &spaces{t: t}
	for i := range size + 1 {
		name := fmt.Sprintf("commonwatt-%d-%d", os.Getpid(), i)
		if out, err := exec.Command("ip", "netns", "add", name).CombinedOutput(); err != nil {
			t.Skipf("no network namespaces here: %v: %s", err, out)
		}
		t.Cleanup(func() { s.do("ip netns del " + name) })
		s.names = append(s.names, name)
	}
	bridge := s.names[size]
	s.do("ip -n " + bridge + " link add br0 type bridge")
	s.do("ip -n " + bridge + " link set br0 up")
	for i, name := range s.names[:size] {
		s.do(fmt.Sprintf("ip link add eth0 netns %s type veth peer name port%d netns %s", name, i, bridge))
		s.do(fmt.Sprintf("ip -n %s link set port%d master br0 up", bridge, i))
		s.do(fmt.Sprintf("ip -n %s address add %s/24 dev eth0", name, s.host(i)))
		s.do(fmt.Sprintf("ip -n %s link set eth0 up", name))
		s.do(fmt.Sprintf("ip -n %s link set lo up", name))
		s.nft(i, "add table ip cut")
		s.nft(i, "add set ip cut from { type ipv4_addr; }")
		s.nft(i, "add chain ip cut in { type filter hook input priority 0; }")
		s.nft(i, "add rule ip cut in ip saddr @from drop")
	}
	return s
}

func (s *spaces) host(i int) string    { return fmt.Sprintf("10.66.0.%d", i+1) }
func (s *spaces) address(i int) string { return s.host(i) + ":26656" }

func (s *spaces) command(i int, program string) *exec.Cmd {
	// Not by "ip netns exec": that takes a copy of all mounts along, which keeps alive a
	// disk that another test has unmounted.
	return exec.Command("nsenter", "--net=/run/netns/"+s.names[i], program)
}

func (s *spaces) do(line string) {
	s.t.Helper()
	words := strings.Fields(line)
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v: %s", line, err, out)
	}
}

func (s *spaces) nft(i int, rule string) {
	s.t.Helper()
	if out, err := exec.Command("ip", "netns", "exec", s.names[i], "nft", rule).CombinedOutput(); err != nil {
		s.t.Fatalf("nft %s: %v: %s", rule, err, out)
	}
}

// cut drops what one node sends another, from now on.
func (s *spaces) cut(from, to int) {
	s.t.Helper()
	s.nft(to, "add element ip cut from { "+s.host(from)+" }")
}

// split drops everything between two groups.
func (s *spaces) split(a, b []int) {
	s.t.Helper()
	for _, i := range a {
		for _, j := range b {
			s.cut(i, j)
			s.cut(j, i)
		}
	}
}

// heal lets everything through again.
func (s *spaces) heal() {
	s.t.Helper()
	for i := range len(s.names) - 1 {
		s.nft(i, "flush set ip cut from")
	}
}
