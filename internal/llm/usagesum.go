package llm

// Add adds what another answer used. Rounds and members of a dialect's own are of one answer and not added.
func (u *Usage) Add(v *Usage) {
	if v == nil {
		return
	}
	for i := range usageFields {
		if v.Said&(1<<i) != 0 {
			*usageFields[i](u) += max(*usageFields[i](v), 0)
		}
	}
	u.Said |= v.Said &^ Corrected
	u.Estimated |= v.Estimated
}

// Sub takes away what was counted already. What falls below nothing is nothing.
func (u *Usage) Sub(v *Usage) {
	for i := range usageFields {
		n := usageFields[i](u)
		*n = max(*n-*usageFields[i](v), 0)
	}
}
