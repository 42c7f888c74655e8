package auction

// payMidMarket pays every trade among members at the mid-market rate, the floored
// average of retail and feed-in, and what is left at the utility's prices: at the
// root, and in a zone with the charges that the energy pays on its way there or
// from there. Zones that trade apart from the root split their charges. Green has
// no price of its own. The terms of the stages decide who takes part: members
// first always, all whose limit accepts the rate, however much more it offers, the
// long side pro rata. An island has neither price; its members trade as in Uniform.
func payMidMarket(r *Result, stages []*stage) {
	if stages[0].terms != atMidMarket {
		payUniform(r, stages)
		return
	}
	r.pay(stages, func(s *stage) tariff {
		a := newAdmissible(s, SplitRule)
		a.certificates = span{0, 0}
		t, err := a.paid(false)
		assert(err == nil, "trades at a rate that no prices fit")
		return t
	})
}
