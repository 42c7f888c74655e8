package auction

func clearPayAsBid(b *Book) *Result { return clearUniform(b) }
