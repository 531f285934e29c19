package llm

// Else is what an encoder writes where an answer states none of it and the client's dialect demands it.
type Else struct {
	ID, Model string
	Created   Num
}
