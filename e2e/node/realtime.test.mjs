// Sessions over a WebSocket: the official SDKs' own clients of OpenAI's Realtime API and of Google's Live API, through the
// gateway. OpenAI's client opens wss: only, so that it comes through a front with TLS.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoogleGenAI, Modality } from '@google/genai';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { WebSocket } from 'ws';
import { base, key, nothingOpen, weather } from './weir.mjs';

const secure = process.env.WEIR_TLS_URL;
const ca = process.env.WEIR_TLS_CA;

/** Opens a session and gathers its events. */
async function talk(model, { apiKey = key } = {}) {
  const client = new OpenAI({ baseURL: `${secure}/v1`, apiKey });
  const session = new OpenAIRealtimeWS({ model, options: { ca } }, client);
  const events = [];
  const waiting = [];
  let closed;
  const news = () => waiting.splice(0).forEach((wake) => wake());
  session.on('event', (event) => { events.push(event); news(); });
  session.on('error', (error) => { events.push({ type: 'sdk.error', error }); news(); });
  session.socket.on('close', (code, reason) => { closed = { code, reason: reason.toString() }; news(); });
  const until = async (found) => {
    const late = Date.now() + 10_000;
    for (let at = 0; ;) {
      for (; at < events.length; at++) if (found(events[at])) return events[at];
      if (closed || Date.now() > late) assert.fail(`it did not come: ${JSON.stringify(events.map((e) => e.error?.message ?? e.type))} ${JSON.stringify(closed)}`);
      await Promise.race([new Promise((wake) => waiting.push(wake)), sleep(100)]);
    }
  };
  return {
    session, events, until, send: (event) => session.send(event),
    async end() {
      for (let i = 0; !closed && i < 200; i++) await sleep(50);
      return closed;
    },
  };
}

const said = (text) => ({ type: 'conversation.item.create', item: { type: 'message', role: 'user', content: [{ type: 'input_text', text }] } });
const done = (n) => {
  let seen = 0;
  return (event) => event.type === 'response.done' && ++seen === n;
};

test('openai realtime: text, a call and sound', async () => {
  const s = await talk('sim-chat/sim-realtime');
  await s.until((e) => e.type === 'session.created');
  s.send({
    type: 'session.update',
    session: { type: 'realtime', output_modalities: ['text'], tools: [{ type: 'function', name: weather.name, parameters: weather.schema }] },
  });
  await s.until((e) => e.type === 'session.updated');

  s.send(said('How deep is the river?'));
  s.send({ type: 'response.create' });
  const text = await s.until(done(1));
  assert.equal(text.response.status, 'completed');
  const streamed = s.events.filter((e) => e.type === 'response.output_text.delta').map((e) => e.delta).join('');
  assert.equal(text.response.output[0].content[0].text, streamed);
  assert.match(streamed, /How deep is the river\?/);
  assert.ok(text.response.usage.output_tokens > 0);

  s.send(said('Use get_weather'));
  s.send({ type: 'response.create' });
  const call = (await s.until(done(2))).response.output.find((item) => item.type === 'function_call');
  assert.equal(call.name, 'get_weather');
  assert.equal(typeof JSON.parse(call.arguments).city, 'string');
  s.send({ type: 'conversation.item.create', item: { type: 'function_call_output', call_id: call.call_id, output: 'fog' } });
  s.send({ type: 'response.create' });
  assert.match((await s.until(done(3))).response.output[0].content[0].text, /fog/);

  s.send({ type: 'session.update', session: { type: 'realtime', output_modalities: ['audio'], tools: [] } });
  s.send({ type: 'input_audio_buffer.append', audio: Buffer.alloc(24_000).toString('base64') });
  s.send({ type: 'input_audio_buffer.commit' });
  s.send({ type: 'response.create' });
  const spoken = await s.until(done(4));
  assert.ok(spoken.response.usage.output_token_details.audio_tokens > 0);
  assert.ok(s.events.some((e) => e.type === 'response.output_audio.delta' && Buffer.from(e.delta, 'base64').length > 0));

  s.send({ type: 'session.update', session: { type: 'realtime', model: 'gpt-gold' } });
  const refused = await s.until((e) => e.type === 'sdk.error');
  assert.equal(refused.error.error.code, 'model_not_allowed');
  assert.equal(refused.error.error.param, 'session.model');

  s.session.close();
  assert.equal((await s.end()).code, 1000);
  await nothingOpen();
});

test('openai realtime: what goes wrong', async (t) => {
  await t.test('before the session', async () => {
    for (const [model, apiKey, status] of [['sim-chat/sim-realtime', 'wr-nobody-0123456789abcdef', '401'], ['nonesuch', key, '404'], ['sim-chat/sim-429', key, '429']]) {
      const s = await talk(model, { apiKey });
      const error = await s.until((e) => e.type === 'sdk.error');
      assert.match(error.error.message, new RegExp(`Unexpected server response: ${status}`));
    }
  });
  await t.test('within it', async () => {
    const s = await talk('sim-chat/sim-cut');
    await s.until((e) => e.type === 'session.created');
    s.send(said('Break'));
    s.send({ type: 'response.create' });
    const error = await s.until((e) => e.type === 'sdk.error');
    assert.match(error.error.message, /broke off/);
    assert.equal((await s.end()).code, 1011);
  });
  await nothingOpen();
});

test('openai realtime: a key in the subprotocol', async () => {
  const socket = new WebSocket(`${base.replace('http', 'ws')}/v1/realtime?model=sim-chat/sim-realtime`, ['realtime', `openai-insecure-api-key.${key}`]);
  const first = await new Promise((resolve, reject) => { socket.on('message', resolve); socket.on('error', reject); });
  assert.equal(JSON.parse(first).type, 'session.created');
  assert.equal(socket.protocol, 'realtime');
  socket.close();
  await nothingOpen();
});

test('google live', async () => {
  const ai = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } });
  const messages = [];
  let closed;
  const session = await ai.live.connect({
    model: 'sim-gem/sim-realtime',
    config: { responseModalities: [Modality.TEXT] },
    callbacks: { onmessage: (m) => messages.push(m), onclose: (e) => { closed = e; } },
  });
  const complete = async (n) => {
    for (let i = 0; i < 200 && messages.filter((m) => m.serverContent?.turnComplete).length < n; i++) await sleep(50);
    assert.ok(messages.filter((m) => m.serverContent?.turnComplete).length >= n, JSON.stringify({ messages, closed }));
  };
  session.sendClientContent({ turns: [{ role: 'user', parts: [{ text: 'How deep is the river?' }] }], turnComplete: true });
  await complete(1);
  session.sendRealtimeInput({ text: 'And how wide?' });
  await complete(2);
  const text = messages.flatMap((m) => m.serverContent?.modelTurn?.parts ?? []).map((p) => p.text).join('');
  assert.match(text, /How deep is the river\?/);
  assert.match(text, /And how wide\?/);
  assert.ok(messages.find((m) => m.usageMetadata)?.usageMetadata.responseTokenCount > 0);
  session.close();
  await nothingOpen();
});
