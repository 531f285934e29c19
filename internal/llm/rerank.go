package llm

import "encoding/json"

// Rerank asks which documents answer a query best. Encoders never change it.
type Rerank struct {
	From      Dialect // the dialect it was decoded from; its Extra belongs there
	Model     string
	Query     string
	Documents []RerankDocument
	Top       int64 // how many shall be returned; 0 = all
	Return    *bool // the documents themselves shall be in the answer
	Most      int64 // tokens read of each document; 0 = not said
	Extra     Extra
}

// RerankDocument is one document: a text, which may have stood in an object.
type RerankDocument struct {
	Text string
	Raw  json.RawMessage // the object; nil where it was a text
	Path string
}

// Ranking is the answer to Rerank, the best document first.
type Ranking struct {
	From      Dialect // its Extra belongs there
	ID, Model string
	Else      Else // written where the answer states none and the client's dialect demands one
	Ranked    []Ranked
	Usage     *Usage
	Extra     Extra
}

// Ranked is one document's place.
type Ranked struct {
	Index    int64 // of the document in the request
	Score    Num
	Document json.RawMessage // where the answer holds it
	Extra    Extra
}
