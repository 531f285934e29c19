package llm

// Instructions is the name of a system turn that stood apart from the conversation, in a member of that name
// (Responses). It says where the turn stood, not who speaks.
const Instructions = "instructions"

// Participant returns the name of who speaks, "" if it was not said.
func (m *Message) Participant() string {
	if m.Role == System && m.Name == Instructions {
		return ""
	}
	return m.Name
}
