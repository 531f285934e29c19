package engine

import (
	"fmt"

	"weir/internal/dialect"
	"weir/internal/fault"
	"weir/internal/gateway"
	"weir/internal/llm"
)

var embeddings = face[dialect.Embedder, llm.Embed, llm.Embeddings]{
	decode: dialect.Embedder.DecodeEmbed, encode: dialect.Embedder.EncodeEmbed,
	read: dialect.Embedder.DecodeEmbedding, write: dialect.Embedder.EncodeEmbedding,
	usage: func(a *llm.Embeddings) **llm.Usage { return &a.Usage },
	other: func(a *llm.Embeddings) *llm.Else { return &a.Else },
	split: splitEmbed, join: joinEmbed,
}

var rankings = face[dialect.Reranker, llm.Rerank, llm.Ranking]{
	decode: dialect.Reranker.DecodeRerank, encode: dialect.Reranker.EncodeRerank,
	read: dialect.Reranker.DecodeRanking, write: dialect.Reranker.EncodeRanking,
	other: func(a *llm.Ranking) *llm.Else { return &a.Else },
}

var classes = face[dialect.Classifier, llm.Classify, llm.Classes]{
	decode: dialect.Classifier.DecodeClassify, encode: dialect.Classifier.EncodeClassify,
	read: dialect.Classifier.DecodeClasses, write: dialect.Classifier.EncodeClasses,
	usage: func(a *llm.Classes) **llm.Usage { return &a.Usage },
	other: func(a *llm.Classes) *llm.Else { return &a.Else },
}

var pictures = face[dialect.Imager, llm.ImageRequest, llm.ImageResponse]{
	decode: dialect.Imager.DecodeImage, encode: dialect.Imager.EncodeImage,
	read: dialect.Imager.DecodeImages, write: dialect.Imager.EncodeImages,
	usage: func(a *llm.ImageResponse) **llm.Usage { return &a.Usage },
	other: func(a *llm.ImageResponse) *llm.Else { return &a.Else },
	split: splitImages, join: joinImages, lacks: lackImages,
}

// callsOfOne is how many calls at most one request for embeddings becomes.
const callsOfOne = 2048

// splitEmbed gives each call as many inputs as it takes.
func splitEmbed(up dialect.Embedder, e *llm.Embed, facts llm.Facts, target gateway.Target) (parts []*llm.Embed, err error) {
	most := len(e.Inputs)
	if d, ok := up.(dialect.Together); ok {
		most = d.Together(e, facts)
	}
	most = max(most, 1)
	if n := most * callsOfOne; len(e.Inputs) > n {
		return nil, dialect.Unsaid(e.Inputs[n].Path, fmt.Sprintf("the target %s is asked for at most %d inputs at once", target, n))
	}
	for from := 0; from == 0 || from < len(e.Inputs); from += most {
		part := *e
		part.Inputs = part.Inputs[from:min(from+most, len(part.Inputs))]
		parts = append(parts, &part)
	}
	return parts, nil
}

func joinEmbed(first *llm.Embeddings, parts []*llm.Embed, i int, more *llm.Embeddings) {
	for _, v := range more.Vectors {
		v.Index += int64(i * len(parts[0].Inputs))
		first.Vectors = append(first.Vectors, v)
	}
}

// embed returns what the exchange asks embeddings of, where that was decoded.
func (c *call) embed() *llm.Embed {
	if b, ok := c.side.(*between[dialect.Embedder, llm.Embed, llm.Embeddings]); ok {
		return b.asked
	}
	return nil
}

// callsOfImages is how many calls at most one request for images becomes: each is paid for like an image of one call.
const callsOfImages = 10

// splitImages asks each call for as many images as it makes.
func splitImages(up dialect.Imager, q *llm.ImageRequest, facts llm.Facts, target gateway.Target) (parts []*llm.ImageRequest, err error) {
	most := max(up.Makes(q, facts), 1)
	if q.Count > most*callsOfImages {
		path := dialect.ImageWord(q.From, "n")
		return nil, dialect.Unsaid(path, fmt.Sprintf("the target %s is asked for at most %d images at once", target, most*callsOfImages))
	}
	if q.Count <= most {
		return []*llm.ImageRequest{q}, nil
	}
	for left := q.Count; left > 0; left -= most {
		part := *q
		part.Count = min(left, most)
		parts = append(parts, &part)
	}
	return parts, nil
}

func joinImages(first *llm.ImageResponse, _ []*llm.ImageRequest, _ int, more *llm.ImageResponse) {
	first.Images = append(first.Images, more.Images...)
	first.Text, first.Thoughts = first.Text+more.Text, first.Thoughts || more.Thoughts
	if first.Missing += more.Missing; more.Why != "" {
		first.Why = more.Why
	}
}

func lackImages(first *llm.ImageResponse, failed int, f *fault.Fault) {
	first.Missing, first.Why = first.Missing+int64(failed), f.Message
}
