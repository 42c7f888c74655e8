package gateway

import (
	"bufio"
	"io"
	"strconv"
	"time"
)

// Write writes readings as the CSV that Reader reads, starts in the offset of zone.
//
// Errors: the error of out.
func Write(out io.Writer, readings []Reading, zone *time.Location) error {
	buffer := bufio.NewWriter(out)
	line := []byte(Header + "\n")
	for _, r := range readings {
		if _, err := buffer.Write(line); err != nil {
			return err
		}
		line = append(line[:0], r.Meter...)
		line = append(line, ',')
		line = time.Unix(int64(r.Start), 0).In(zone).AppendFormat(line, time.RFC3339)
		for _, n := range [...]int64{int64(r.Length / 60), int64(r.Import), int64(r.Export)} {
			line = append(line, ',')
			line = strconv.AppendInt(line, n, 10)
		}
		line = append(line, ',', r.Quality, '\n')
	}
	if _, err := buffer.Write(line); err != nil {
		return err
	}
	return buffer.Flush()
}
