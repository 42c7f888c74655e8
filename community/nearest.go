package community

// nearest returns the word among those with the fewest edits from the misspelt
// one, the first of equals, or "" when none is near enough to be what was meant.
func nearest(misspelt string, among []string) string {
	most := 1 + len(misspelt)/4
	var best string
	for _, word := range among {
		if d := edits(misspelt, word, most); d <= most {
			best, most = word, d-1
		}
	}
	return best
}

// edits is the number of bytes to insert, remove or replace to turn a into b
// (Levenshtein), or more than most.
func edits(a, b string, most int) int {
	if len(a)-len(b) > most || len(b)-len(a) > most {
		return most + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
