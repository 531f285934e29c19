package llm

import "encoding/json"

// Classify asks a model that does not generate which of its classes texts belong to. Encoders never change it.
type Classify struct {
	From     Dialect // the dialect it was decoded from; its Extra belongs there
	Model    string
	Inputs   []ClassifyInput
	Single   bool  // the input stood by itself, not in a list
	Truncate *bool // what is too long is cut; nil = not said
	Most     int64 // tokens it is cut to; 0 = what the model takes
	Raw      *bool // scores as the model makes them, without an activation function; nil = not said
	Extra    Extra
}

// ClassifyInput is one text, a pair of texts, or a text as the tokens of the model.
type ClassifyInput struct {
	Text   string
	Pair   *string         // the second text; nil = none
	Tokens json.RawMessage // a list of numbers; nil = it is a text
	Path   string          // where it stood in the client's document
}

// Classes is the answer to Classify.
type Classes struct {
	From      Dialect // its Extra belongs there
	ID, Model string
	Created   Num
	Else      Else // written where the answer states none and the client's dialect demands one
	Results   []Classified
	Usage     *Usage
	Extra     Extra
}

// Classified is what was found of one input.
type Classified struct {
	Index  int64   // of the input in the request
	Label  string  // of the most likely class
	Scores []Score // of all classes, as they stood in the answer
	Ranked bool    // the scores stand in the order of their size, else in that of the model's classes
	Extra  Extra
}

// Score is how likely one class is.
type Score struct {
	Label string // "" = not said
	Value Num
}
