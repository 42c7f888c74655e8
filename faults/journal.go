package faults

import (
	"encoding/binary"
	"hash/crc32"
)

// journal is a file of records, each with a checksum over itself and the one before
// it: after a crash it holds the longest good prefix of what was written, and a
// record that outlived a gap is not taken for the next one.
type journal struct {
	disk *disk
	file *file
	last uint32 // Checksum of the last record.
}

const journalHead = 8 // Length and checksum.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// openJournal returns a journal and the records in it. What is behind the good ones
// is cut off.
func openJournal(d *disk, name string) (*journal, [][]byte) {
	j := &journal{disk: d, file: d.open(name)}
	var records [][]byte
	at := 0
	for data := j.file.data; len(data)-at >= journalHead; {
		size := int(binary.BigEndian.Uint32(data[at:]))
		if size == 0 || size > len(data)-at-journalHead {
			break
		}
		record := data[at+journalHead : at+journalHead+size]
		sum := j.checksum(record)
		if sum != binary.BigEndian.Uint32(data[at+4:]) {
			break
		}
		j.last = sum
		records = append(records, append([]byte(nil), record...))
		at += journalHead + size
	}
	d.cut(j.file, at)
	return j, records
}

// checksum is CRC-32C (RFC 3720 §12.1) over the one before and the record.
func (j *journal) checksum(record []byte) uint32 {
	var before [4]byte
	binary.BigEndian.PutUint32(before[:], j.last)
	return crc32.Update(crc32.Checksum(before[:], castagnoli), castagnoli, record)
}

// append writes a record, and sees it on disk when it has to outlast a crash.
func (j *journal) append(record []byte, sync bool) error {
	sum := j.checksum(record)
	raw := make([]byte, journalHead, journalHead+len(record))
	binary.BigEndian.PutUint32(raw, uint32(len(record))) //nolint:gosec // far below
	binary.BigEndian.PutUint32(raw[4:], sum)
	if err := j.disk.write(j.file, append(raw, record...)); err != nil {
		return err
	}
	j.last = sum
	if sync {
		j.disk.sync(j.file)
	}
	return nil
}

// empty begins the journal anew.
func (j *journal) empty() {
	j.disk.cut(j.file, 0)
	j.last = 0
}
