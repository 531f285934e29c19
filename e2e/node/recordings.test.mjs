// Every recorded answer across the two languages, both ways: what the official SDK of the client's language reads through
// the gateway is what the official SDK of the provider's language reads from the provider, and whatever is not was named
// lost by the gateway. The recordings are read from the folder WEIR_RECORDINGS and are no part of the project.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { read } from './recordings-read.mjs';
import { key, load, play, start } from './recordings-stage.mjs';

const folder = process.env.WEIR_RECORDINGS;
const binary = process.env.WEIR_BIN;
const other = { chat: 'messages', messages: 'chat' };
const inParallel = 16;

/** Recordings that differ without a loss named, by id: what differs, and why that is right. At most 1 % of all. */
const exceptions = {
  'openai-chat-8c3ac34448': { what: 'message', why: 'what looks like a key is taken out of the provider\'s words' },
  'openrouter-a07ad491ec': { what: 'message', why: 'the words of the provider behind the reseller are added to its "Provider returned error"' },
};

/**
 * What a named loss accounts for: by the field that differs and the path that names it, whether what is read (got) is
 * what then must be read in place of the original (said).
 */
const accounts = {
  text: {
    'answer.refusal': (said, got) => got.text === said.text + said.refusal,
    'answer.audio': (said, got) => got.text === said.text + said.transcript,
  },
  refusal: { 'answer.refusal': (said, got) => got.refusal === '' && got.text.includes(said.refusal) },
  transcript: { 'answer.audio': (said, got) => got.transcript === '' && got.text.includes(said.transcript) },
  tools: {
    'answer.arguments': (said, got) => got.tools.length === said.tools.length && got.tools.every(({ name, args }, i) => {
      const call = said.tools[i];
      const values = Object.values(JSON.parse(args));
      return name === call.name && (args === call.args || values.length === 1 && values[0] === call.args);
    }),
  },
  stop: {
    'answer.stop': (said, got) => ({ context: 'length', filter: 'refusal', refusal: 'filter', pause: 'end' })[said.stop] === got.stop,
  },
  'usage.input': { 'answer.usage.input': (said, got) => got.usage.input === Math.max(said.usage.input, said.usage.cacheRead + said.usage.cacheWrite) },
  server: { 'answer.server_tools': (said, got) => got.server === 0 },
  opaque: { 'answer.opaque': (said, got) => got.opaque === 0 },
  images: { 'answer.image': (said, got) => got.images === 0 },
  redacted: { 'answer.reasoning.redacted': (said, got) => got.redacted === 0 },
};

const isObject = (args) => { try { return JSON.parse(args)?.constructor === Object; } catch { return false; } };

/** What must have been said for a loss to be named. */
const grounds = {
  'answer.refusal': (said) => said.refusal !== '',
  'answer.arguments': (said) => said.tools.some(({ args, free }) => free || !isObject(args)),
  'answer.stop': (said) => ['context', 'filter', 'refusal', 'pause'].includes(said.stop),
  'answer.server_tools': (said) => said.server > 0,
  'answer.image': (said) => said.images > 0,
  'answer.reasoning.redacted': (said) => said.redacted > 0,
  'answer.order': (said) => said.mixed,
  'answer.usage.input': ({ usage }) => usage.input < usage.cacheRead + usage.cacheWrite,
};

function differences(said, got) {
  const flat = ({ usage, tools, helper, mixed, after, finished, id, ...rest }) => ({
    ...rest,
    tools: JSON.stringify(tools.map(({ name, args }) => ({ name, args }))),
    ...Object.fromEntries(Object.entries(usage).map(([name, n]) => [`usage.${name}`, n])),
  });
  const [a, b] = [flat(said), flat(got)];
  return Object.keys(a).filter((field) => a[field] !== b[field]).map((field) => ({ field, said: a[field], got: b[field] }));
}

const short = (value) => { const s = JSON.stringify(value); return s?.length > 300 ? `${s.slice(0, 150)} … ${s.slice(-150)}` : s; };

// What providers say of a model they have not, with a status by which an SDK would take the request to be wrong.
const noSuchModel = /not a valid model|model .*(does not exist|not found)/i;

function errorProblems(said, got) {
  if (!said) return [{ what: 'error', detail: `the client reads an error: ${short(got)}` }];
  if (!got) return [{ what: 'error', detail: `the client reads no error; the provider says ${short(said)}` }];
  return ['status', 'retryAfter', 'message']
    .filter((what) => said[what] !== got[what] && (said.status || what !== 'status')) // in place of an answer it has no status
    .filter((what) => what !== 'status' || !(said.status === 400 && got.status === 404 && noSuchModel.test(said.message)))
    .map((what) => ({ what, detail: `the provider says ${short(said[what])}, the client reads ${short(got[what])}` }));
}

/** What is wrong with what the client reads (got) of what was said: {what, detail} each. lost are the paths named lost. */
function problems(said, got, lost, client) {
  const wrong = [];
  if (said.error || got.error) return errorProblems(said.error, got.error);
  for (const { field, said: a, got: b } of differences(said, got)) {
    const told = Object.entries(accounts[field] ?? {}).some(([path, holds]) => lost.has(path) && holds(said, got));
    if (!told) wrong.push({ what: field, detail: `said ${short(a)}, read ${short(b)}` });
  }
  wrong.push(...disorder(said, got, lost, client));
  for (const [path, holds] of Object.entries(grounds)) {
    if (lost.has(path) && !holds(said)) wrong.push({ what: `${path} for nothing`, detail: 'it was not there' });
  }
  if (got.after) wrong.push({ what: 'after', detail: `after the end the SDK meets ${got.after}` });
  if (got.helper?.error) wrong.push({ what: 'helper', detail: `the SDK's stream helper refuses: ${got.helper.error}` });
  else if (got.helper) {
    for (const { field, said: a, got: b } of differences(got, got.helper)) {
      wrong.push({ what: `helper.${field}`, detail: `the pieces make ${short(a)}, the SDK's stream helper ${short(b)}` });
    }
  }
  return wrong;
}

/** Chat has one order only, and Messages any: there a mixed answer stays as it is, or is put in order. */
function disorder(said, got, lost, client) {
  if (client === 'chat' && said.mixed && !lost.has('answer.order')) return [{ what: 'order', detail: 'it is lost, and not named' }];
  if (client === 'messages' && got.mixed && !said.mixed) return [{ what: 'order', detail: 'it is another than what was said' }];
  return [];
}

/** The pieces of the original, too, make what the SDK's helper makes of them, where it takes them and can join them. */
function misread(said) {
  if (!said.helper || said.helper.error || said.helper.text.includes('[object Object]')) return [];
  return differences(said, said.helper).map(({ field, said: a, got: b }) => (
    { what: `original ${field}`, detail: `the pieces make ${short(a)}, the SDK's stream helper ${short(b)}` }));
}

async function compare(r, player, gateway) {
  const { answer: said } = await read(r.speaks, { url: player.url, key: 'none', model: r.id, streaming: r.streaming });
  const names = [...new Set((said.tools ?? []).map((t) => t.name))].filter((name) => /^[\w-]{1,64}$/.test(name));
  const model = `${r.speaks}/${r.id}`;
  const { answer: got, lost } = await read(other[r.speaks], { url: gateway.url, key, model, streaming: r.streaming, names });
  const found = [...misread(said), ...problems(said, got, lost, other[r.speaks])];
  const wrong = found.filter(({ what }) => exceptions[r.id]?.what !== what);
  if (exceptions[r.id] && wrong.length === found.length) wrong.push({ what: 'exception', detail: 'it differs in nothing any more' });
  return { r, lost, wrong, isError: Boolean(said.error), differs: !said.error && differences(said, got).length > 0 };
}

/** The results of work on each, so many at a time. */
async function each(all, n, work) {
  const out = [];
  let next = 0;
  await Promise.all(Array.from({ length: n }, async () => {
    while (next < all.length) {
      const i = next++;
      out[i] = await work(all[i]);
    }
  }));
  return out;
}

test('recordings', { skip: !folder && 'SKIPPED: WEIR_RECORDINGS is not set: recorded answers are not read by the SDKs' }, async (t) => {
  let recordings;
  let player;
  let gateway;
  before(async () => {
    assert.ok(binary, 'WEIR_BIN is not set: run these tests with `make e2e`');
    recordings = await load(resolve(folder));
    player = await play(recordings);
    gateway = await start(resolve(binary), player.url);
  });
  after(async () => {
    player?.close();
    await gateway?.close();
  });
  const table = [];

  for (const upstream of ['chat', 'messages']) {
    const direction = `${upstream} provider, ${other[upstream]} client`;
    await t.test(direction, async () => {
      const all = recordings.filter((r) => r.speaks === upstream);
      assert.ok(all.length > 0, 'no recordings');
      const results = await each(all, inParallel, (r) => compare(r, player, gateway).catch((error) => (
        { r, lost: new Set(), wrong: [{ what: 'broken', detail: error.stack }] })));
      const failed = results.filter(({ wrong }) => wrong.length > 0);
      const count = (of) => results.filter((x) => x.wrong.length === 0 && of(x)).length;
      table.push({
        direction,
        recordings: all.length,
        equal: count(({ r, lost }) => lost.size === 0 && !exceptions[r.id]),
        '(errors)': count(({ isError }) => isError),
        'equal but for losses named': count(({ lost }) => lost.size > 0),
        '(in what is compared)': count(({ lost, differs }) => lost.size > 0 && differs),
        excepted: count(({ r }) => exceptions[r.id]),
        failed: failed.length,
      });
      assert.equal(failed.length, 0, grouped(failed));
    });
  }

  await t.test('exceptions are few', () => {
    assert.ok(Object.keys(exceptions).length <= recordings.length / 100);
  });
  console.table(table);
});

function grouped(failed) {
  const groups = new Map();
  for (const { r, wrong } of failed) {
    for (const { what, detail } of wrong) groups.set(what, [...(groups.get(what) ?? []), `${r.id}${r.streaming ? ' (stream)' : ''}: ${detail}`]);
  }
  return [...groups].map(([what, lines]) => `\n${what}: ${lines.length}\n  ${lines.join('\n  ')}`).join('\n');
}
