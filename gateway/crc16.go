package gateway

// crc16 goes on with the checksum of a P1 telegram (DSMR P1 5.0.2 §6.2: polynomial
// x¹⁶+x¹⁵+x²+1, least significant bit first, nothing inverted; CRC-16/ARC).
func crc16(sum uint16, text []byte) uint16 {
	for _, b := range text {
		sum ^= uint16(b)
		for range 8 {
			if sum&1 == 1 {
				sum = sum>>1 ^ 0xA001
			} else {
				sum >>= 1
			}
		}
	}
	return sum
}
