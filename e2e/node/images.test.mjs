// Images across dialects: OpenAI's client draws by Gemini, Imagen and two makers at Bedrock; Google's and Amazon's clients
// draw by OpenAI's dialect and by each other's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BedrockRuntimeClient, InvokeModelCommand } from '@aws-sdk/client-bedrock-runtime';
import { ApiError, GoogleGenAI } from '@google/genai';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import OpenAI, { toFile } from 'openai';
import { base, key, nothingOpen, openai, rejected } from './weir.mjs';

const client = openai();
// The SDK makes images by Imagen's method where it is set to Vertex AI, by a key of its own or this gateway's.
const google = new GoogleGenAI({ vertexai: true, apiKey: key, httpOptions: { baseUrl: base } });
const gem = 'sim-gem/gemini-3-image-sim';
const imagen = 'sim-gem/imagen-4.0-sim';
const nova = 'sim-conv/amazon.nova-canvas-sim';
const stability = 'sim-conv/stability.sd3-sim';
const bytes = (b64) => Buffer.from(b64, 'base64');
const isPNG = (b64) => bytes(b64).subarray(1, 4).toString() === 'PNG';
const isJPEG = (b64) => bytes(b64)[0] === 0xff && bytes(b64)[1] === 0xd8;
const width = (b64) => bytes(b64).readUInt32BE(16);

for (const model of [gem, imagen, nova, stability]) {
  test(`${model}: generated`, async () => {
    const { data, response } = await client.images.generate({ model, prompt: 'A cat', n: 2, size: '1024x1024' }).withResponse();
    assert.equal(data.data.length, 2);
    assert.ok(data.data.every((image) => isPNG(image.b64_json) && width(image.b64_json) === 1024));
    assert.ok(data.created > 1_700_000_000);
    assert.equal(data.output_format, 'png');
    assert.equal(response.headers.get('x-weir-target'), model);
    const error = await rejected(client.images.generate({ model, prompt: 'unspeakable' }), OpenAI.BadRequestError);
    assert.equal(error.code, 'moderation_blocked');
  });
}

test('what a target cannot say is told', async () => {
  const ask = (model, more) => client.images.generate({ model, prompt: 'A cat', ...more }).withResponse();
  const lost = async (...args) => (await ask(...args)).response.headers.get('x-weir-lost');
  assert.equal(await lost(gem, { size: '1536x1024', user: 'u', quality: 'high' }), 'quality, size, user');
  assert.equal(await lost(nova, { size: '1536x1024' }), null);
  assert.equal(await lost(imagen, { background: 'transparent', output_format: 'webp' }), 'background, output_format');
  const { data } = await ask(gem, { response_format: 'url' });
  assert.ok(isPNG(data.data[0].url.split(',')[1]));
  const { data: jpeg } = await ask(imagen, { output_format: 'jpeg', output_compression: 50 });
  assert.ok(isJPEG(jpeg.data[0].b64_json));
  const refused = await rejected(client.images.generate({ model: gem, prompt: 'A cat', user: 'u' }, { headers: { 'x-weir-strict': 'true' } }), OpenAI.BadRequestError);
  assert.equal(refused.param, 'user');
});

test('a stream has the finished image', async () => {
  const events = [];
  for await (const event of await client.images.generate({ model: gem, prompt: 'A cat', stream: true, partial_images: 2 })) events.push(event);
  assert.deepEqual(events.map((event) => event.type), ['image_generation.completed']);
  assert.ok(isPNG(events[0].b64_json));
  assert.ok(events[0].usage.total_tokens > 0);
});

test('edited', async () => {
  const first = await client.images.generate({ model: nova, prompt: 'A cat', size: '512x512' });
  const file = () => toFile(bytes(first.data[0].b64_json), 'ä cat.png', { type: 'image/png' });
  const byGemini = await client.images.edit({ model: gem, prompt: 'Both with hats', image: [await file(), await file()] });
  assert.ok(isPNG(byGemini.data[0].b64_json));
  assert.equal(byGemini.usage.input_tokens_details.image_tokens, 500);
  for (const mask of [undefined, await file()]) {
    const byNova = await client.images.edit({ model: nova, prompt: 'With a hat', image: await file(), mask });
    assert.ok(isPNG(byNova.data[0].b64_json));
  }
  const byStability = await client.images.edit({ model: stability, prompt: 'With a hat', image: await file() });
  assert.ok(isPNG(byStability.data[0].b64_json));
  const refused = await rejected(client.images.edit({ model: gem, prompt: 'x', image: await file(), mask: await file() }), OpenAI.BadRequestError);
  assert.equal(refused.param, 'mask');
  const none = await rejected(client.images.edit({ model: gem, prompt: 'x', image: await toFile(Buffer.from('no image'), 'a.png') }), OpenAI.BadRequestError);
  assert.match(none.message, /Unable to process input image/);
});

test("Google's client", async () => {
  for (const model of [imagen, gem, nova, 'sim-chat/sim-image']) {
    const answer = await google.models.generateImages({ model, prompt: 'A cat', config: { numberOfImages: 2, aspectRatio: '1:1' } });
    assert.equal(answer.generatedImages.length, 2, model);
    assert.ok(answer.generatedImages.every(({ image }) => isPNG(image.imageBytes)), model);
  }
  const withheld = await rejected(google.models.generateImages({ model: nova, prompt: 'unspeakable', config: { numberOfImages: 1 } }), ApiError);
  assert.equal(withheld.status, 400);
  const unknown = await rejected(google.models.generateImages({ model: 'nobody', prompt: 'A cat' }), ApiError);
  assert.equal(unknown.status, 404);
  // Gemini's own way to ask passes as it is.
  const answer = await google.models.generateContent({ model: gem, contents: 'A cat', config: { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '1:1' } } });
  assert.ok(isPNG(answer.candidates[0].content.parts[0].inlineData.data));
});

test("Amazon's client", async () => {
  const bedrock = new BedrockRuntimeClient({ region: 'us-east-1', endpoint: base, token: { token: key }, authSchemePreference: ['httpBearerAuth'], maxAttempts: 1, requestHandler: new NodeHttpHandler() });
  const invoke = async (modelId, body) => JSON.parse(new TextDecoder().decode((await bedrock.send(new InvokeModelCommand({ modelId, contentType: 'application/json', body: JSON.stringify(body) }))).body));
  const own = await invoke(nova, { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'A cat' }, imageGenerationConfig: { width: 512, height: 512 } });
  assert.equal(width(own.images[0]), 512);
  const other = await invoke(stability, { prompt: 'A cat' });
  assert.ok(isPNG(other.images[0]) && other.finish_reasons[0] === null);
  await assert.rejects(invoke(nova, { taskType: 'TEXT_IMAGE', textToImageParams: { text: 'A cat', x: 1 } }), /extraneous key/);
  await nothingOpen();
});
