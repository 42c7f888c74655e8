package auction

func clearMidMarket(b *Book) *Result { return clearUniform(b) }
