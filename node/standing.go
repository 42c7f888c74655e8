package node

import (
	"log/slog"

	"github.com/commonwatt/commonwatt/interval"
)

// Standing is how a node of a network stands beside the others, for whoever looks after it.
type Standing struct {
	Networked bool           `json:"networked"` // There may be others.
	Syncing   bool           `json:"syncing"`   // It fetches blocks that were decided without it.
	Behind    int64          `json:"behind"`    // Blocks that most of its peers have and it has not.
	Power     int64          `json:"power"`     // Its validator's; 0: it decides on nothing.
	Expected  int            `json:"expected"`  // Of the last hundred blocks, those that it was to sign,
	Missed    int            `json:"missed"`    // and those of them without its signature.
	SkewMS    int64          `json:"skew_ms"`   // How far its clock is before that of the validator in the middle, by the last block.
	Waits     bool           `json:"waits"`     // Its validator was restored from a backup and does not sign yet.
	Twin      bool           `json:"twin"`      // Another node signs with its validator's key, so it does not.
	Snapshot  SnapshotStatus `json:"snapshot"`
}

// SnapshotStatus is the last snapshot that a node has for others.
type SnapshotStatus struct {
	Every  int64         `json:"every"`  // Blocks between two; 0: none are made.
	Height int64         `json:"height"` // 0: there is none yet.
	Time   interval.Time `json:"time"`   // Of that block.
}

// Standing says how the running node stands beside the others.
//
// Errors: those of the disk.
func (n *Node) Standing() (s Standing, err error) {
	beside, err := n.chain.Standing()
	if err != nil {
		return s, err
	}
	voting, err := n.chain.Voting(votesLooked)
	if err != nil {
		return s, err
	}
	return Standing{
		Networked: beside.Networked, Syncing: beside.Syncing, Behind: beside.Behind, Waits: beside.Waits, Twin: beside.Twin,
		Power: voting.Power, Expected: voting.Blocks, Missed: voting.Missed, SkewMS: voting.Skew.Milliseconds(),
		Snapshot: n.snapshots.status(),
	}, nil
}

// status is the last snapshot.
func (all *snapshots) status() SnapshotStatus {
	all.mu.Lock()
	defer all.mu.Unlock()
	return lastOf(all.every, all.kept)
}

func lastOf(every int64, list []kept) SnapshotStatus {
	s := SnapshotStatus{Every: every}
	if len(list) > 0 {
		head := list[len(list)-1].manifest.Head
		s.Height, s.Time = head.Height, head.Time
	}
	return s
}

// InspectSnapshots is the last snapshot in a stopped node's folder.
//
// Errors: those of the disk.
func InspectSnapshots(dir string, s Settings) (SnapshotStatus, error) {
	list, err := findSnapshots(dir, slog.New(slog.DiscardHandler))
	return lastOf(s.snapshotEvery(), list), err
}
