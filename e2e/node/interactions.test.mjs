// Google's SDK on its Interactions API: what it keeps it finds again, a stream reads whole, failures raise its own classes.
// The provider behind the gateway is played here; it keeps what it answers, as Google does.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { GoogleGenAI } from '@google/genai';
import { key, start } from './recordings-stage.mjs';

const usage = { total_input_tokens: 5, total_output_tokens: 2, total_thought_tokens: 1, total_tokens: 8 };

/** A provider that keeps interactions; the model asked for says how it answers. */
async function player() {
  const keeps = new Map();
  const server = createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const at = new URL(req.url, 'http://player').pathname.split('/').slice(3);
    const tell = (status, body) => { res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)); };
    if (req.method !== 'POST' || at.length > 1) {
      const kept = keeps.get(at[0]);
      if (!kept) return tell(404, { error: { code: 404, message: 'no such interaction', status: 'NOT_FOUND' } });
      if (req.method === 'DELETE') keeps.delete(at[0]);
      return tell(200, req.method === 'DELETE' ? {} : kept);
    }
    const asked = JSON.parse(Buffer.concat(chunks));
    if (asked.model === 'busy') return tell(429, { error: { code: 'resource_exhausted', message: 'too many of you' } });
    const id = `v1_${keeps.size + 1}`;
    const interaction = { id, object: 'interaction', status: 'completed', model: asked.model, created: '2026-01-01T00:00:00Z', updated: '2026-01-01T00:00:00Z', steps: [{ type: 'model_output', content: [{ type: 'text', text: `after ${asked.previous_interaction_id ?? 'nothing'}` }] }], usage };
    keeps.set(id, interaction);
    if (!asked.stream) return tell(200, interaction);
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = (type, more) => res.write(`event: ${type}\ndata: ${JSON.stringify({ event_type: type, ...more })}\n\n`);
    event('interaction.created', { interaction: { id, status: 'in_progress', object: 'interaction', model: asked.model } });
    event('step.start', { index: 0, step: { type: 'model_output' } });
    for (const text of ['one ', 'two ', 'three']) event('step.delta', { index: 0, delta: { type: 'text', text } });
    if (asked.model === 'cut') return setTimeout(() => res.destroy(), 50);
    event('step.stop', { index: 0 });
    event('interaction.completed', { interaction });
    res.end('event: done\ndata: [DONE]\n\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}

let stage, gateway, ai;
before(async () => {
  stage = await player();
  gateway = await start(resolve(process.env.WEIR_BIN ?? '../../bin/weir'), stage.url, ['interactions']);
  ai = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: gateway.url } });
});
after(async () => {
  await gateway?.close();
  stage?.close();
});

test('an interaction is kept, gone on from, asked for and deleted', async () => {
  const first = await ai.interactions.create({ model: 'interactions/m', input: 'hello' });
  assert.equal(first.status, 'completed');
  assert.equal(first.usage.total_tokens, 8);
  const second = await ai.interactions.create({ model: 'interactions/m', input: 'more', previous_interaction_id: first.id });
  assert.equal(second.steps[0].content[0].text, `after ${first.id}`);
  assert.equal((await ai.interactions.get(second.id)).id, second.id);
  await ai.interactions.delete(second.id);
  await assert.rejects(ai.interactions.get(second.id), (e) => e.status === 404 || e.statusCode === 404);
});

test('a stream reads whole', async () => {
  let text = '';
  let last;
  for await (const event of await ai.interactions.create({ model: 'interactions/m', input: 'hello', stream: true })) {
    last = event.event_type;
    if (event.event_type === 'step.delta') text += event.delta.text;
  }
  assert.equal(text, 'one two three');
  assert.equal(last, 'interaction.completed');
});

test('a stream that breaks off ends in an error event, not as if it were whole', async () => {
  const seen = [];
  try {
    for await (const event of await ai.interactions.create({ model: 'interactions/cut', input: 'hello', stream: true })) seen.push(event);
  } catch (e) {
    seen.push({ event_type: 'error', error: { message: String(e.message) } });
  }
  assert.equal(seen.at(-1).event_type, 'error');
  assert.match(seen.at(-1).error.message, /broke off/);
});

test('failures raise the class of their status', async () => {
  const is = (status) => (e) => e.status === status || e.statusCode === status || assert.fail(`${e.constructor.name} ${e.status ?? e.statusCode}: ${e.message}`);
  await assert.rejects(ai.interactions.create({ model: 'interactions/busy', input: 'x' }, { maxRetries: 0 }), is(429));
  await assert.rejects(ai.interactions.create({ model: 'nobody/m', input: 'x' }, { maxRetries: 0 }), is(404));
  await assert.rejects(ai.interactions.create({ model: 'interactions/m', input: 'x', previous_interaction_id: 'v1_of_another' }, { maxRetries: 0 }), is(404));
});
