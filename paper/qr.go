package paper

import (
	"fmt"
	"strings"

	"github.com/skip2/go-qrcode"
)

// QR is a QR code (ISO/IEC 18004), its margin included: Size squares a side, of which
// Dark says, row by row, which are dark.
type QR struct {
	Size int
	Dark [][]bool
}

// NewQR makes the QR code of a text, of which 15 % may be lost.
//
// Errors: a text that is too long for one.
func NewQR(text string) (QR, error) {
	q, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return QR{}, fmt.Errorf("paper: %w", err)
	}
	dark := q.Bitmap()
	return QR{len(dark), dark}, nil
}

// runs yields the dark squares that stand side by side.
func (q QR) runs(yield func(x, y, wide int)) {
	for y, row := range q.Dark {
		for x := 0; x < len(row); x++ {
			from := x
			for x < len(row) && row[x] {
				x++
			}
			if x > from {
				yield(from, y, x-from)
			}
		}
	}
}

// Path is the dark squares as the path of an SVG, each one by one.
func (q QR) Path() string {
	var path strings.Builder
	q.runs(func(x, y, wide int) { fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x, y, wide, wide) })
	return path.String()
}

// SVG is the code as an image.
func (q QR) SVG() []byte {
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		q.Size, q.Size, q.Size, q.Size, q.Path())
}
