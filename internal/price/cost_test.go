package price

import (
	"strings"
	"testing"
	"time"

	"weir/internal/gateway"
	"weir/internal/llm"
)

// prices is a table for tests: figures that do not change when the embedded ones do.
const prices = `prices 1

[anthropic]
 source page 2026-01-01
 batch *0.5
 fetch 0

claude max_output=64000
 input 3 cached 0.3 cache_write 3.75 cache_write_1h 6 output 15 search 0.01
 >200000 input 6 cached 0.6 cache_write 7.5 output 22.5
 fast input 18 output 90
 region=us *1.1
claude-old
 input 8 output 24
 cache_write 10

[openai]
 source page 2026-01-01
gpt
 input 1.25 cached 0.125 output 10
 flex input 0.625 cached 0.0625 output 5
 priority input 2.5 cached 0.25 output 20
gpt-long
 input 2.5 cached 0.25 output 15
 >272000 input 5 cached 0.5 output 22.5
 batch input 1.25 output 7.5
 region=eu *1.1
gpt-audio
 input 2.5 audio_input 32 output 10 audio_output 64
gpt-realtime
 input 4 cached 0.4 audio_input 32 cached_audio 0.8 output 16 audio_output 64
embed op=embedding
 input 0.02
dall-e op=image
 image 0.04
 variant=hd/1024x1792 image 0.12
gpt-image op=image
 input 5 cached 1.25 image_input 10 image_output 40
 variant=low/1024x1024 image 0.011
whisper op=transcription
 second 0.0001
transcribe op=transcription
 audio_input 2.5 output 10
tts op=speech
 character 15
tts-tokens op=speech
 input 0.6 audio_output 12 second_output 0.00025
sora op=video
 video_second 0.1
 variant=1080p video_second 0.3
moderation op=moderation
 free
unknown context=1000

[gemini]
 source page 2026-01-01
flash
 input 0.3 cached 0.03 audio_input 1 output 2.5 grounding 0.035
flash-3
 input 0.5 cached 0.05 audio_input 1 output 3 search 0.014
pro
 input 1.25 cached 0.125 output 10
 >200000 input 2.5 cached 0.25 output 15
flash-image
 input 0.3 output 2.5 image_output 30 image 0.039
omni
 input 1.5 output 9 video_output 17.5
live
 input 0.75 audio_input 3 output 4.5 audio_output 12 video_second_input 0.00003

[bedrock]
 source page 2026-01-01
anthropic.claude-v1:0
 input 3 cached 0.3 cache_write 3.75 cache_write_1h 6 output 15
 region=us-gov-west-1 input 3.6 cached 0.36 cache_write 4.5 output 18
us.anthropic.claude-v1:0
 input 3.3 cached 0.33 cache_write 4.125 cache_write_1h 6.6 output 16.5
nova
 input 0.06 output 0.24

[cohere]
 source page 2026-01-01
command
 input 2.5 output 10
rerank op=rerank searches=1
 search 0.002
embed-image op=embedding
 input 0.12 image_read 0.0001

[xai]
 source page 2026-01-01
grok
 input 3 cached 0.75 output 15

[perplexity]
 source page 2026-01-01
sonar searches=1
 input 1 output 1 search 0.005 search_low 0.005 search_medium 0.008 search_high 0.012
deep-research
 input 2 output 8 reasoning 3 citation 2 search 0.005
online
 input 0 output 2.8 request 0.005

[alibaba]
 source page 2026-01-01
qwen
 input 0.4 output 1.2 thinking 4
 >256000 input 1.2 output 3.6 thinking 12
coder
 input 1 output 5
 batch input 0.5
 >32000 input 1.8 output 9
 >128000 input 3 output 15

[mistral]
 source page 2026-01-01
ocr op=ocr
 page 0.002 annotated_page 0.003

reader op=ocr
 input 0.3 output 1.2 page 0.0003

[deepgram]
 source page 2026-01-01
nova op=transcription
 second 0.00007167

[deepseek]
 source page 2026-01-01
v4
 input 0.14 cached 0.0028 output 0.28

[flux]
 source page 2026-01-01
schnell op=image
 pixel 0.0013
`

func testTable(t testing.TB) *Table {
	t.Helper()
	table, err := Load(strings.NewReader(prices))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

const (
	saidBoth = llm.SaidInput | llm.SaidOutput
	saidAll  = saidBoth | llm.SaidTotal
)

func TestCostsCalculatedByHand(t *testing.T) {
	tests := []struct {
		name, model string
		usage       llm.Usage
		terms       Terms
		want        gateway.Money // 3 dollars per million tokens are 3000 a token
		items       int
	}{
		{
			"Anthropic, plain: 1000 × 3000 + 500 × 15000", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 1000, Output: 500},
			Terms{},
			10_500_000, 2,
		},
		{
			"Anthropic, cache read: 2000 × 3000 + 8000 × 300 + 100 × 15000", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 10_000, CacheRead: 8000, Output: 100},
			Terms{},
			9_900_000, 3,
		},
		{
			"Anthropic, writes for 5 minutes and an hour: 500 × 3000 + 4000 × 3750 + 1000 × 6000 + 10 × 15000", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 5500, CacheWrite: 5000, CacheWrite1h: 1000, Output: 10},
			Terms{},
			22_650_000, 4,
		},
		{
			"Anthropic, a write for an hour without a price of its own costs that for minutes: 1000 × 10000", "anthropic/claude-old",
			llm.Usage{Said: saidBoth, Input: 1000, CacheWrite: 1000, CacheWrite1h: 1000},
			Terms{},
			10_000_000, 1,
		},
		{
			"Anthropic, a read without a price costs what input does: 1000 × 8000", "anthropic/claude-old",
			llm.Usage{Said: saidBoth, Input: 1000, CacheRead: 1000},
			Terms{},
			8_000_000, 1,
		},
		{
			"Anthropic, 200,000 tokens are not above: 200000 × 3000", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 200_000},
			Terms{},
			600_000_000, 1,
		},
		{
			"Anthropic, above 200,000: 250000 × 6000 + 1000 × 22500", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 250_000, Output: 1000},
			Terms{},
			1_522_500_000, 2,
		},
		{
			"Anthropic, what is read from the cache makes a prompt long too: 10000 × 6000 + 200000 × 600 + 100 × 22500", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 210_000, CacheRead: 200_000, Output: 100},
			Terms{},
			182_250_000, 3,
		},
		{
			"Anthropic, a long write for an hour has no price, so it doubles as the input does: 210000 × 12000", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 210_000, CacheWrite: 210_000, CacheWrite1h: 210_000},
			Terms{},
			2_520_000_000, 1,
		},
		{
			"Anthropic, 3 searches and 2 fetches: 1000 × 3000 + 100 × 15000 + 3 × 10000000 + 2 × 0", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 1000, Output: 100, Searches: 3, Fetches: 2},
			Terms{},
			34_500_000, 4,
		},
		{
			"Anthropic, batch: half of the tokens, not of the search: 2000 × 1500 + 8000 × 150 + 100 × 7500 + 10000000", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 10_000, CacheRead: 8000, Output: 100, Searches: 1},
			Terms{Tier: "batch"},
			14_950_000, 4,
		},
		{
			"Anthropic, batch of a long prompt: 250000 × 3000", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 250_000, Tier: "batch"},
			Terms{},
			750_000_000, 1,
		},
		{
			"Anthropic, fast: 1000 × 18000 + 1000 × 1800 + 10 × 90000, the read as the input", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 2000, CacheRead: 1000, Output: 10},
			Terms{Tier: "fast"},
			20_700_000, 3,
		},
		{
			"Anthropic, inference in the US: (1000 × 3000 + 10 × 15000) × 1.1", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 1000, Output: 10},
			Terms{Region: "us"},
			3_465_000, 2,
		},
		{
			"Anthropic, rounds: 3000 × 3000 + 150 × 15000, whatever the last one says", "anthropic/claude",
			llm.Usage{Said: saidBoth, Input: 181, Output: 50, Rounds: []llm.Usage{
				{Said: saidBoth, Input: 1000, Output: 100}, {Said: saidBoth, Input: 2000, Output: 50},
			}},
			Terms{},
			11_250_000, 2,
		},
		{
			"Anthropic, rounds, one of them long: 250000 × 6000 + 10 × 22500 + 1000 × 3000 + 10 × 15000 + 2 × 10000000", "anthropic/claude",
			llm.Usage{Said: saidBoth, Rounds: []llm.Usage{
				{Said: saidBoth, Input: 250_000, Output: 10, Searches: 2}, {Said: saidBoth, Input: 1000, Output: 10},
			}},
			Terms{},
			1_523_375_000, 5,
		},
		{
			"OpenAI, cached and reasoning: 952 × 1250 + 2048 × 125 + 500 × 10000", "openai/gpt",
			llm.Usage{Said: saidAll, Input: 3000, CacheRead: 2048, Output: 500, Reasoning: 320, Total: 3500},
			Terms{},
			6_446_000, 4,
		},
		{
			"OpenAI, flex: 952 × 625 + 2048 × 62.5 + 500 × 5000", "openai/gpt",
			llm.Usage{Said: saidAll, Input: 3000, CacheRead: 2048, Output: 500, Total: 3500, Tier: "flex"},
			Terms{},
			3_223_000, 3,
		},
		{
			"OpenAI, priority was asked for and not given: 100 × 1250", "openai/gpt",
			llm.Usage{Said: saidAll, Input: 100, Total: 100, Tier: "default"},
			Terms{Tier: "priority"},
			125_000, 1,
		},
		{
			"OpenAI, long: 300000 × 5000 + 1000 × 22500", "openai/gpt-long",
			llm.Usage{Said: saidAll, Input: 300_000, Output: 1000, Total: 301_000},
			Terms{},
			1_522_500_000, 2,
		},
		{
			"OpenAI, a batch of long prompts: 300000 × 1250 × 5/2.5 + 1000 × 7500 × 22.5/15", "openai/gpt-long",
			llm.Usage{Said: saidAll, Input: 300_000, Output: 1000, Total: 301_000},
			Terms{Tier: "batch"},
			761_250_000, 2,
		},
		{
			"OpenAI, kept in the EU: (1000 × 2500 + 100 × 15000) × 1.1", "openai/gpt-long",
			llm.Usage{Said: saidAll, Input: 1000, Output: 100, Total: 1100},
			Terms{Region: "eu"},
			4_400_000, 2,
		},
		{
			"OpenAI, audio: 200 × 2500 + 800 × 32000 + 100 × 10000 + 400 × 64000", "openai/gpt-audio",
			llm.Usage{Said: saidAll, Input: 1000, InputAudio: 800, Output: 500, OutputAudio: 400, Total: 1500},
			Terms{},
			52_700_000, 4,
		},
		{
			"OpenAI, of 700 tokens of audio and 600 cached at least 300 are both: 400 × 32000 + 300 × 800 + 300 × 400", "openai/gpt-realtime",
			llm.Usage{Said: saidAll, Input: 1000, InputAudio: 700, CacheRead: 600, Total: 1000},
			Terms{},
			13_160_000, 3,
		},
		{
			"OpenAI, the same without a price of cached audio counts as audio: 800 × 32000 + 200 × 2500", "openai/gpt-audio",
			llm.Usage{Said: saidAll, Input: 1000, InputAudio: 800, CacheRead: 400, Total: 1000},
			Terms{},
			26_100_000, 2,
		},
		{
			"OpenAI, embeddings: 8000 × 20", "openai/embed",
			llm.Usage{Said: llm.SaidInput | llm.SaidTotal, Input: 8000, Total: 8000},
			Terms{},
			160_000, 1,
		},
		{
			"OpenAI, two images in high definition", "openai/dall-e",
			llm.Usage{},
			Terms{Variant: "hd/1024x1792", Count: Count{Images: 2}},
			240_000_000, 1,
		},
		{
			"OpenAI, an image by its tokens: 50 × 5000 + 300 × 10000 + 4160 × 40000, the piece is paid with them", "openai/gpt-image",
			llm.Usage{Said: saidAll, Input: 350, InputImage: 300, Output: 4160, Total: 4510},
			Terms{Variant: "low/1024x1024", Count: Count{Images: 1}},
			169_650_000, 3,
		},
		{
			"OpenAI, an image of which no tokens are told", "openai/gpt-image",
			llm.Usage{},
			Terms{Variant: "low/1024x1024", Count: Count{Images: 3}},
			33_000_000, 1,
		},
		{
			"OpenAI, 61.5 seconds of speech heard", "openai/whisper",
			llm.Usage{},
			Terms{Count: Count{AudioIn: 61_500 * time.Millisecond}},
			6_150_000, 1,
		},
		{
			"OpenAI, a model that only hears: 300 × 2500 + 80 × 10000", "openai/transcribe",
			llm.Usage{Said: saidBoth, Input: 300, Output: 80},
			Terms{Count: Count{AudioIn: 30 * time.Second}},
			1_550_000, 2,
		},
		{
			"OpenAI, 1200 characters spoken: 1200 × 15000", "openai/tts",
			llm.Usage{},
			Terms{Count: Count{Characters: 1200}},
			18_000_000, 1,
		},
		{
			"OpenAI, speech by tokens: 100 × 600 + 900 × 12000, not by seconds", "openai/tts-tokens",
			llm.Usage{Said: saidBoth, Input: 100, Output: 900},
			Terms{Count: Count{AudioOut: 20 * time.Second}},
			10_860_000, 2,
		},
		{
			"OpenAI, speech of which no tokens are told: 20 × 250000", "openai/tts-tokens",
			llm.Usage{},
			Terms{Count: Count{AudioOut: 20 * time.Second}},
			5_000_000, 1,
		},
		{
			"OpenAI, 8 seconds of video in 1080p", "openai/sora",
			llm.Usage{},
			Terms{Variant: "1080p", Count: Count{VideoOut: 8 * time.Second}},
			2_400_000_000, 1,
		},
		{
			"OpenAI, moderation is free", "openai/moderation",
			llm.Usage{},
			Terms{},
			0, 0,
		},
		{
			"Gemini, thoughts and audio: 2000 × 300 + 3000 × 1000 + 800 × 2500", "gemini/flash",
			llm.Usage{Said: saidAll, Input: 5000, InputAudio: 3000, Output: 800, Reasoning: 600, Total: 5800},
			Terms{},
			5_600_000, 4,
		},
		{
			"Gemini, above 200,000 with a cached part: 20000 × 2500 + 200000 × 250 + 2000 × 15000", "gemini/pro",
			llm.Usage{Said: saidAll, Input: 220_000, CacheRead: 200_000, Output: 2000, Total: 222_000},
			Terms{},
			130_000_000, 3,
		},
		{
			"Gemini 2, three searches are one grounded prompt: 100 × 300 + 100 × 2500 + 35000000", "gemini/flash",
			llm.Usage{Said: saidAll, Input: 100, Output: 100, Total: 200, Searches: 3},
			Terms{},
			35_280_000, 3,
		},
		{
			"Gemini 3, three searches are three: 100 × 500 + 100 × 3000 + 3 × 14000000", "gemini/flash-3",
			llm.Usage{Said: saidAll, Input: 100, Output: 100, Total: 200, Searches: 3},
			Terms{},
			42_350_000, 3,
		},
		{
			"Gemini's OpenAI face, thoughts in the total only: 100 × 300 + (50 + 300) × 2500", "gemini/flash",
			llm.Usage{Said: saidAll, Input: 100, Output: 50, Total: 450},
			Terms{},
			905_000, 2,
		},
		{
			"Gemini, an image among text: 100 × 300 + 210 × 2500 + 1290 × 30000", "gemini/flash-image",
			llm.Usage{Said: saidAll, Input: 100, Output: 1500, OutputImage: 1290, Total: 1600},
			Terms{Count: Count{Images: 1}},
			39_255_000, 3,
		},
		{
			"Gemini, an image whose tokens are not told apart: 100 × 300 + 1290 × 30000", "gemini/flash-image",
			llm.Usage{Said: saidAll, Input: 100, Output: 1290, Total: 1390},
			Terms{Count: Count{Images: 1}},
			38_730_000, 2,
		},
		{
			"Gemini, video: 10 × 1500 + 100 × 9000 + 900 × 17500", "gemini/omni",
			llm.Usage{Said: saidAll, Input: 10, Output: 1000, Total: 1010},
			Terms{Count: Count{VideoTokens: 900}},
			16_665_000, 3,
		},
		{
			"Gemini live, 2 seconds seen beside what is heard: 10 × 750 + 90 × 3000 + 100 × 12000 + 2 × 30000", "gemini/live",
			llm.Usage{Said: saidAll, Input: 100, InputAudio: 90, Output: 100, OutputAudio: 100, Total: 200},
			Terms{Count: Count{VideoIn: 2 * time.Second}},
			1_537_500, 4,
		},
		{
			"Bedrock, a profile of a region not listed costs what one of another does: 100 × 3300 + 900 × 330 + 50 × 16500", "bedrock/eu.anthropic.claude-v1:0",
			llm.Usage{Said: saidAll, Input: 1000, CacheRead: 900, Output: 50, Total: 1050},
			Terms{},
			1_452_000, 3,
		},
		{
			"Bedrock, the global profile: 1000 × 3000", "bedrock/global.anthropic.claude-v1:0",
			llm.Usage{Said: saidAll, Input: 1000, Total: 1000},
			Terms{},
			3_000_000, 1,
		},
		{
			"Bedrock, by ARN: 1000 × 3300", "bedrock/arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-v1:0",
			llm.Usage{Said: saidAll, Input: 1000, Total: 1000},
			Terms{},
			3_300_000, 1,
		},
		{
			"Bedrock, GovCloud; a write for an hour is dearer as the input is: 100 × 3600 + 100 × 7200 + 10 × 18000", "bedrock/anthropic.claude-v1:0",
			llm.Usage{Said: saidAll, Input: 200, CacheWrite: 100, CacheWrite1h: 100, Output: 10, Total: 210},
			Terms{Region: "us-gov-west-1"},
			1_260_000, 3,
		},
		{
			"Cohere bills 120 of 500 tokens and 60 of 80: 120 × 2500 + 60 × 10000", "cohere/command",
			llm.Usage{Said: saidBoth | llm.SaidBilledInput | llm.SaidBilledOutput, Input: 500, Output: 80, BilledInput: 120, BilledOutput: 60},
			Terms{},
			900_000, 2,
		},
		{
			"Cohere, 3 search units", "cohere/rerank",
			llm.Usage{Said: llm.SaidSearches, Searches: 3},
			Terms{},
			6_000_000, 1,
		},
		{
			"Cohere, a rerank that tells nothing is one search unit at least", "cohere/rerank",
			llm.Usage{},
			Terms{},
			2_000_000, 1,
		},
		{
			"Cohere, embeddings of text and 3 images: 200 × 120 + 3 × 100000", "cohere/embed-image",
			llm.Usage{Said: llm.SaidInput, Input: 200},
			Terms{Count: Count{ImagesRead: 3}},
			324_000, 2,
		},
		{
			"xAI leaves reasoning out of the output, the total has it: 200 × 3000 + (50 + 300) × 15000", "xai/grok",
			llm.Usage{Said: saidAll, Input: 200, Output: 50, Reasoning: 300, Total: 550},
			Terms{},
			5_850_000, 3,
		},
		{
			"Perplexity searches each time, little by default: 100 × 1000 + 200 × 1000 + 5000000", "perplexity/sonar",
			llm.Usage{Said: saidBoth, Input: 100, Output: 200},
			Terms{},
			5_300_000, 3,
		},
		{
			"Perplexity, much context: 100 × 1000 + 200 × 1000 + 12000000", "perplexity/sonar",
			llm.Usage{Said: saidBoth, Input: 100, Output: 200},
			Terms{Search: "high"},
			12_300_000, 3,
		},
		{
			"Perplexity, research: 100 × 2000 + 5000 × 8000 + 20000 × 3000 + 5000 × 2000 + 12 × 5000000", "perplexity/deep-research",
			llm.Usage{Said: saidBoth, Input: 100, Output: 25_000, Reasoning: 20_000, Searches: 12},
			Terms{Count: Count{Citations: 5000}},
			170_200_000, 5,
		},
		{
			"Perplexity, a fee per request: 5000000 + 10 × 2800", "perplexity/online",
			llm.Usage{Said: saidBoth, Input: 100, Output: 10},
			Terms{},
			5_028_000, 3,
		},
		{
			"Alibaba, an answer that was not thought about: 1000 × 400 + 500 × 1200", "alibaba/qwen",
			llm.Usage{Said: saidBoth, Input: 1000, Output: 500},
			Terms{},
			1_000_000, 2,
		},
		{
			"Alibaba, thinking makes all of the answer dearer: 1000 × 400 + 500 × 4000", "alibaba/qwen",
			llm.Usage{Said: saidBoth, Input: 1000, Output: 500, Reasoning: 200},
			Terms{},
			2_400_000, 2,
		},
		{
			"Alibaba, the highest of two limits passed: 200000 × 3000 + 10 × 15000", "alibaba/coder",
			llm.Usage{Said: saidBoth, Input: 200_000, Output: 10},
			Terms{},
			600_150_000, 2,
		},
		{
			"Alibaba, a batch passes the highest limit only: 200000 × 500 × 3/1 + 10 × 15000", "alibaba/coder",
			llm.Usage{Said: saidBoth, Input: 200_000, Output: 10},
			Terms{Tier: "batch"},
			300_150_000, 2,
		},
		{
			"Mistral, 10 pages and 2 with annotations", "mistral/ocr",
			llm.Usage{},
			Terms{Count: Count{Pages: 10, Annotated: 2}},
			26_000_000, 2,
		},
		{
			"Mistral, a page in tokens: 1000 × 300 + 200 × 1200", "mistral/reader",
			llm.Usage{Said: saidBoth, Input: 1000, Output: 200},
			Terms{Count: Count{Pages: 1}},
			540_000, 2,
		},
		{
			"Mistral, a page of which no tokens are told", "mistral/reader",
			llm.Usage{},
			Terms{Count: Count{Pages: 1}},
			300_000, 1,
		},
		{
			"Deepgram, 1 millisecond: 71.67, rounded up", "deepgram/nova",
			llm.Usage{},
			Terms{Count: Count{AudioIn: time.Microsecond}},
			72, 1,
		},
		{
			"DeepSeek, rounded up once: 1 × 140 + 3 × 2.8 + 1 × 280 = 428.4", "deepseek/v4",
			llm.Usage{Said: saidBoth, Input: 4, CacheRead: 3, Output: 1},
			Terms{},
			429, 3,
		},
		{
			"a price per pixel: 1048576 × 1.3", "flux/schnell",
			llm.Usage{},
			Terms{Count: Count{Images: 1, Pixels: 1 << 20}},
			1_363_149, 1,
		},
		{
			"nothing used costs nothing", "openai/gpt",
			llm.Usage{Said: saidBoth},
			Terms{},
			0, 0,
		},
	}
	table := testTable(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			provider, model, _ := strings.Cut(test.model, "/")
			p, ok := table.Price(provider, model, zeroTime)
			if !ok {
				t.Fatal("no such model")
			}
			c := p.Cost(&test.usage, &test.terms, nil)
			if !c.Known() {
				t.Errorf("not known: %s", c.Why())
			}
			if c.Amount != test.want {
				t.Errorf("costs %d, by hand %d: %v", c.Amount, test.want, c.Items)
			}
			if len(c.Items) != test.items {
				t.Errorf("%d items, want %d: %v", len(c.Items), test.items, c.Items)
			}
		})
	}
}

func TestWhatHasNoPriceIsTold(t *testing.T) {
	tests := []struct {
		name, model string
		usage       *llm.Usage
		terms       Terms
		why         string
		amount      gateway.Money
	}{
		{"no usage", "openai/gpt", nil, Terms{}, "no price is known, or no usage", 0},
		{"a model without prices", "openai/unknown", &llm.Usage{Said: saidBoth, Input: 1}, Terms{}, "no price is known, or no usage", 0},
		{"a search", "openai/gpt", &llm.Usage{Said: saidBoth, Input: 1000, Searches: 1}, Terms{}, "no price is known of search", 1_250_000},
		{"a fetch", "gemini/flash", &llm.Usage{Said: saidBoth, Input: 10, Fetches: 1}, Terms{}, "no price is known of fetch", 3000},
		{"a session", "openai/gpt", &llm.Usage{Said: saidBoth}, Terms{Count: Count{Sessions: 1}}, "no price is known of session", 0},
		{"output of a model that has a price of input only", "openai/embed", &llm.Usage{Said: saidBoth, Input: 100, Output: 1}, Terms{}, "no price is known of output", 2000},
		{"images that nobody counted", "openai/dall-e", &llm.Usage{Said: saidBoth}, Terms{}, "priced by image, and nothing of that was counted", 0},
		{"audio that nobody counted", "openai/whisper", &llm.Usage{}, Terms{}, "priced by second, and nothing of that was counted", 0},
		{"tokens nobody counted", "xai/grok", &llm.Usage{}, Terms{}, "priced by input, cached, output, and nothing of that was counted", 0},
		{"pages of a model priced by seconds", "openai/whisper", &llm.Usage{}, Terms{Count: Count{Pages: 1}}, "no price is known of page", 0},
	}
	table := testTable(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			provider, model, _ := strings.Cut(test.model, "/")
			p, _ := table.Price(provider, model, zeroTime)
			c := p.Cost(test.usage, &test.terms, nil)
			if c.Known() || c.Why() != test.why || c.Amount != test.amount {
				t.Errorf("known %v, %q, %d; want %q, %d", c.Known(), c.Why(), c.Amount, test.why, test.amount)
			}
		})
	}
	var none *Price
	if c := none.Cost(&llm.Usage{}, nil, nil); c.Known() {
		t.Error("a price that does not exist is known")
	}
	if _, ok := table.Price("openai", "nothing", zeroTime); ok {
		t.Error("a model that does not exist has a price")
	}
	if _, ok := table.Price("nobody", "gpt", zeroTime); ok {
		t.Error("a provider that does not exist has a price")
	}
}

func TestSuppositionsAreTold(t *testing.T) {
	tests := []struct {
		model string
		terms Terms
		input int64
		want  Supposed
		tier  Tier
	}{
		{"openai/gpt", Terms{}, 1, 0, Standard},
		{"openai/gpt", Terms{Tier: "Auto"}, 1, 0, Standard},
		{"openai/gpt", Terms{Tier: "PRIORITY"}, 1, 0, Priority},
		{"openai/gpt", Terms{Tier: "batch"}, 1, SupposedTier, Batch},
		{"openai/gpt", Terms{Tier: "scale"}, 1, SupposedTier, Standard},
		{"openai/gpt", Terms{Region: "eu"}, 1, 0, Standard},
		{"openai/gpt-long", Terms{Region: "us"}, 1, SupposedRegion, Standard},
		{"openai/gpt-long", Terms{Tier: "batch"}, 300_000, SupposedTogether, Batch},
		{"openai/gpt-long", Terms{Tier: "batch"}, 1, SupposedTogether, Batch}, // of the cached part
		{"openai/gpt-image", Terms{Variant: "high/1x1"}, 1, SupposedVariant, Standard},
	}
	table := testTable(t)
	for _, test := range tests {
		provider, model, _ := strings.Cut(test.model, "/")
		p, _ := table.Price(provider, model, zeroTime)
		c := p.Cost(&llm.Usage{Said: saidBoth, Input: test.input}, &test.terms, nil)
		if c.Supposed != test.want || c.Tier != test.tier {
			t.Errorf("%s %+v: supposed %q, tier %s; want %q, %s", test.model, test.terms, c.Supposed, c.Tier, test.want, test.tier)
		}
	}
}

func TestItemsSayWhosePriceWasTaken(t *testing.T) {
	p, _ := testTable(t).Price("anthropic", "claude-old", zeroTime)
	begin := []Item{{Component: Pixel}}
	c := p.Cost(&llm.Usage{Said: saidBoth, Input: 10, CacheRead: 4, CacheWrite: 5, CacheWrite1h: 2, Output: 7, Reasoning: 7}, nil, begin)
	want := []Item{
		{Component: Pixel},
		{Input, Input, 1, 8_000_000_000},
		{Cached, Input, 4, 8_000_000_000},
		{CacheWrite, CacheWrite, 3, 10_000_000_000},
		{CacheWrite1h, CacheWrite, 2, 10_000_000_000},
		{Reasoning, Output, 7, 24_000_000_000},
	}
	if len(c.Items) != len(want) {
		t.Fatalf("got %v, want %v", c.Items, want)
	}
	for i := range want {
		if c.Items[i] != want[i] {
			t.Errorf("item %d: got %v, want %v", i, c.Items[i], want[i])
		}
	}
}

func TestWhatTheProviderStates(t *testing.T) {
	for _, test := range []struct {
		cost llm.Num
		want gateway.Money
		ok   bool
	}{
		{"", 0, false},
		{"0.25", 250_000_000, true},
		{"0", 0, true},
		{"1e-9", 1, true},
		{"1.5E-9", 2, true},
		{"0.0000000001", 1, true},
		{"12e2", 1200 * gateway.Dollar, true},
		{"0.00100", 1_000_000, true},
		{"-1", 0, false},
		{"1e400", 0, false},
		{"99999999999999", 0, false},
		{"x", 0, false},
	} {
		got, ok := Stated(&llm.Usage{Cost: test.cost})
		if got != test.want || ok != test.ok {
			t.Errorf("%q: %d %v, want %d %v", test.cost, got, ok, test.want, test.ok)
		}
	}
}
