package faults

import "slices"

// signedBy reports whether a vote's signature is its voter's.
func (r *run) signedBy(v *vote) bool {
	secret := r.secret(v.Voter)
	return secret != nil && v.Sign == v.signed(secret)
}

// proposedBy reports whether a proposal's signature is a validator's.
func (r *run) proposedBy(p *proposal, k key) bool {
	secret := r.secret(k)
	return secret != nil && p.Sign == p.signed(secret)
}

// secret is a validator's own. Nobody else signs with it.
func (r *run) secret(k key) []byte {
	i := slices.IndexFunc(r.nodes, func(v *validator) bool { return v.key == k })
	if i < 0 {
		return nil
	}
	return r.nodes[i].secret
}
