// The OpenAI SDK for images and sound: forms go up, files and streams come back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { nothingOpen, openai, rejected } from './weir.mjs';

const client = openai();
const image = 'sim-chat/sim-image';
const voice = 'sim-chat/sim-voice';
const ear = 'sim-chat/sim-transcribe';
const isPNG = (b64) => Buffer.from(b64, 'base64').subarray(1, 4).toString() === 'PNG';

const say = (more = {}) => client.audio.speech.create({ model: voice, voice: 'alloy', input: 'Spoken by nobody at all.', ...more });

test('images: generated', async () => {
  const { data, response } = await client.images.generate({ model: image, prompt: 'A cat', n: 2 }).withResponse();
  assert.equal(data.data.length, 2);
  assert.ok(isPNG(data.data[0].b64_json) && isPNG(data.data[1].b64_json));
  assert.ok(data.usage.output_tokens > 0);
  assert.equal(response.headers.get('x-weir-target'), image);
});

test('images: as they get finer', async () => {
  const events = [];
  for await (const event of await client.images.generate({ model: image, prompt: 'A cat', stream: true, partial_images: 2 })) events.push(event);
  assert.deepEqual(events.map((e) => e.type), ['image_generation.partial_image', 'image_generation.partial_image', 'image_generation.completed']);
  assert.ok(events.every((e) => isPNG(e.b64_json)));
  assert.ok(events.at(-1).usage.total_tokens > 0);
});

test('images: edited and varied', async () => {
  const first = await client.images.generate({ model: image, prompt: 'A cat' });
  const file = () => toFile(Buffer.from(first.data[0].b64_json, 'base64'), 'ä cat.png', { type: 'image/png' });
  const edited = await client.images.edit({ model: image, prompt: 'With a hat', image: [await file(), await file()], mask: await file() });
  assert.ok(isPNG(edited.data[0].b64_json));
  assert.equal(edited.usage.input_tokens_details.image_tokens, 750);
  const events = [];
  for await (const event of await client.images.edit({ model: image, prompt: 'With a hat', image: await file(), stream: true })) events.push(event.type);
  assert.deepEqual(events, ['image_edit.completed']);
  const varied = await client.images.createVariation({ model: image, image: await file() });
  assert.ok(isPNG(varied.data[0].b64_json));
  const refused = await rejected(client.images.edit({ model: image, prompt: 'x', image: await toFile(Buffer.from('no image'), 'a.png') }), OpenAI.BadRequestError);
  assert.equal(refused.param, 'image');
});

test('audio: spoken', async () => {
  const wav = await say({ response_format: 'wav' });
  assert.equal(wav.headers.get('content-type'), 'audio/wav');
  const sound = Buffer.from(await wav.arrayBuffer());
  assert.equal(sound.subarray(0, 4).toString(), 'RIFF');
  assert.equal(sound.readUInt32LE(40), sound.length - 44);
  let pieces = 0;
  let total = 0;
  for await (const piece of (await say({ response_format: 'pcm' })).body) {
    pieces += 1;
    total += piece.length;
  }
  assert.ok(pieces > 1, 'it comes as it is made');
  assert.equal(total, sound.length - 44);
  const events = (await (await say({ stream_format: 'sse' })).text()).split('\n').filter((line) => line.startsWith('data: '));
  assert.equal(JSON.parse(events.at(-1).slice(6)).type, 'speech.audio.done');
});

test('audio: a cut is seen', async () => {
  const answer = await say({ model: 'sim-chat/sim-cut' });
  assert.equal(answer.status, 200);
  await assert.rejects(answer.arrayBuffer());
  const refused = await rejected(say({ model: 'sim-chat/sim-429' }), OpenAI.RateLimitError);
  assert.equal(refused.status, 429);
  await nothingOpen();
});

test('audio: heard', async () => {
  const sound = Buffer.from(await (await say({ response_format: 'wav' })).arrayBuffer());
  const file = () => toFile(sound, 'sound.wav', { type: 'audio/wav' });
  const ask = async (more) => client.audio.transcriptions.create({ model: ear, file: await file(), ...more });
  const plain = await ask({});
  assert.ok(plain.text.includes(`${sound.length} bytes of wav`), plain.text);
  assert.ok(plain.usage.input_token_details.audio_tokens > 0);
  assert.match(await ask({ response_format: 'srt' }), /^1\n00:00:00,000 --> /);
  assert.match(await ask({ response_format: 'vtt' }), /^WEBVTT/);
  const full = await ask({ response_format: 'verbose_json', timestamp_granularities: ['segment'] });
  assert.ok(Number(full.duration) > 0 && full.segments.length === 1);
  let text = '';
  let last;
  for await (const event of await ask({ stream: true })) {
    if (event.type === 'transcript.text.delta') text += event.delta;
    last = event;
  }
  assert.equal(last.type, 'transcript.text.done');
  assert.equal(last.text, text);
  const translated = await client.audio.translations.create({ model: ear, file: await file() });
  assert.equal(translated.text, plain.text);
  assert.equal((await rejected(ask({ model: 'sim-chat/unheard-of' }), OpenAI.NotFoundError)).status, 404);
});
