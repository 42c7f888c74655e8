package op

// few is the count below which handing half of the work to another core costs more
// than it saves.
const few = 256

// Spread calls work for every number from 0 below n, half of them in each of the two
// functions that both runs, which share nothing; a nil both runs them in turn. What work
// does for one number must not depend on the others.
func Spread(n int, both func(a, b func()), work func(int)) { spread(0, n, both, work) }

func spread(from, to int, both func(a, b func()), work func(int)) {
	if both == nil || to-from < few {
		for n := from; n < to; n++ {
			work(n)
		}
		return
	}
	middle := from + (to-from)/2
	both(
		func() { spread(from, middle, both, work) },
		func() { spread(middle, to, both, work) },
	)
}
