// Every client language across every upstream language: the official SDK of each reads every recorded answer through the
// gateway, whole and streamed, without an error, without an event it does not know, and reads what the SDK of the
// provider's language reads from the provider. The recordings are read from the folder WEIR_RECORDINGS and are no part of
// the project. What errors become is tested elsewhere; that the SDK reads one as an error is tested here.
import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { isTold, readers } from './matrix-read.mjs';
import { key, languages, load, play, start } from './recordings-stage.mjs';

const folder = process.env.WEIR_RECORDINGS;
const binary = process.env.WEIR_BIN;
const inParallel = 6;
const all = Object.keys(languages);

const attempt = async (work) => { try { return { answer: await work() }; } catch (error) { return { error }; } };
const parsed = (text) => { try { return JSON.parse(text); } catch { return undefined; } };
const short = (value) => { const s = JSON.stringify(value) ?? String(value); return s.length > 240 ? `${s.slice(0, 120)} … ${s.slice(-120)}` : s; };
const recordOf = (client, r) => `${languages[client].dialect} ${r.speaks}/${r.id}`;

/**
 * Why a pair of client and recording is no matter of the gateway's, undefined for all others: by rule, not by name.
 * said is what the provider's own SDK reads from the provider, got what the client's reads through the gateway.
 */
const exceptions = [
  ['several streams recorded as one: the first is the answer', (client, r) => r.streaming && r.body.toString().match(/^event: response\.created$/gm)?.length > 1],
  ['base64 that the recorder shortened', (client, r, said, got) => /base64/.test(got.error?.message) && shortened.test(r.body.toString())],
  ['the provider\'s own bytes, which its SDK does not like either', (client, r, said, got) => client === r.speaks
    && (got.error ? got.error.message === said.error?.message : got.answer.odd.length > 0 && isDeepStrictEqual(got.answer, said.answer))],
];

const shortened = /"[A-Za-z0-9+/]{100,}\.\.\.[A-Za-z0-9+/]{50,}=*"/;

/** What is wrong with how a client reads an answer, or tells of an error: [what, detail] each. record is the gateway's. */
function problems(client, r, said, got, record) {
  if (r.status >= 400 || isTold(said.error)) {
    if (!got.error) return [['no error', `the SDK reads ${short(got.answer)}`]];
    return isTold(got.error) ? [] : [['not the SDK\'s error', got.error.stack]];
  }
  if (got.error) return [['error', got.error.stack]];
  const wrong = got.answer.odd.map((what) => ['odd', what]);
  if (!record) return [...wrong, ['record', 'the exchange has no record']];
  if (client === r.speaks) return wrong; // the bytes pass as they are
  if (got.answer.stop === undefined) wrong.push(['stop', 'the answer says no reason to end']);
  if ('id' in got.answer && !got.answer.id) wrong.push(['id', 'the answer has none']);
  const lost = (record.losses ?? []).map(({ path }) => path);
  const broken = got.answer.tools.find(({ args, free }) => !free && parsed(args) === undefined);
  if (broken && !lost.includes('answer.arguments')) wrong.push(['arguments', `no JSON: ${short(broken.args)}`]);
  wrong.push(...counted(said.answer?.usage, got.answer.usage, record, lost));
  if (!said.answer) return wrong;
  for (const field of ['text', 'refusal', 'reasoning', 'tools', 'stop']) {
    const [a, b] = [comparable(said.answer, field), comparable(got.answer, field)];
    if (isDeepStrictEqual(a, b) || a === undefined) continue;
    const told = Object.entries(accounts[field]).some(([path, holds]) => lost.includes(path) && holds(said.answer, got.answer));
    if (!told) wrong.push([field, `said ${short(a)}, read ${short(b)}, lost ${lost}`]);
  }
  return wrong;
}

/**
 * What a named loss accounts for: by the field that differs and the path that names it, whether what is read is what then
 * must be read in place of what was said.
 */
const accounts = {
  text: {
    'answer.refusal': (said, got) => got.text === said.text + said.refusal,
    'answer.audio': (said, got) => got.text === said.text + said.transcript,
  },
  refusal: { 'answer.refusal': (said, got) => got.refusal === '' && got.text.includes(said.refusal) },
  reasoning: { 'answer.reasoning': (said, got) => got.reasoning === '' },
  tools: {
    'answer.calls': (said, got) => got.tools.length === 0,
    'answer.arguments': (said, got) => got.tools.length === said.tools.length && got.tools.every(({ name, args }, i) => (
      name === said.tools[i].name && (args === said.tools[i].args || isDeepStrictEqual(Object.values(parsed(args)), [said.tools[i].args])))),
    // Those of tools that the provider runs do not arrive; the rest does, in order.
    'answer.server_tools': (said, got) => {
      const rest = comparable(said, 'tools');
      return comparable(got, 'tools').every((call) => { while (rest.length) if (isDeepStrictEqual(rest.shift(), call)) return true; return false; });
    },
  },
  stop: {
    'answer.stop': (said, got) => ({
      calls: ['end'], context: ['length'], filter: ['refusal', 'end'], refusal: ['filter', 'end'], pause: ['end'], malformed: ['end', 'calls'],
    })[said.stop]?.includes(got.stop),
    'answer.calls': (said, got) => said.stop === 'calls' && got.stop === 'end',
    'answer.server_tools': (said, got) => said.stop === 'calls' && got.stop === 'end',
  },
};

function comparable(answer, field) {
  if (field !== 'tools') return answer[field];
  return answer.tools.map(({ name, args }) => ({ name, args: parsed(args) ?? args }));
}

/** The counts the client reads are those of the record, where those that the provider states (said) do not contradict each other. */
function counted(said, got, record, lost) {
  const have = { input: record['gen_ai.usage.input_tokens'], output: record['gen_ai.usage.output_tokens'] };
  // What the gateway had to estimate is for the record alone: the client reads what was stated.
  if (record['usage.estimated']) Object.assign(have, { input: said?.input || undefined, output: said?.output || undefined });
  const cached = (said?.cacheRead ?? 0) + (said?.cacheWrite ?? 0);
  if (lost.includes('answer.usage.input') && cached > said.input) have.input = cached;
  if (said?.reasoning > said?.output && got?.output === said.reasoning) have.output = said.reasoning;
  return Object.entries(have).filter(([name, n]) => n !== undefined && got?.[name] !== n)
    .map(([name, n]) => [`usage.${name}`, `the record has ${n}, read ${got?.[name]}`]);
}

/** The results of work on each, so many at a time. */
async function each(list, n, work) {
  const out = [];
  let next = 0;
  await Promise.all(Array.from({ length: n }, async () => {
    while (next < list.length) {
      const i = next++;
      out[i] = await work(list[i]);
    }
  }));
  return out;
}

test('matrix', { skip: !folder && 'SKIPPED: WEIR_RECORDINGS is not set: recorded answers are not read by the SDKs' }, async () => {
  assert.ok(binary, 'WEIR_BIN is not set: run these tests with `make e2e`');
  const recordings = await load(resolve(folder), all);
  const player = await play(recordings);
  const records = new Map();
  const gateway = await start(resolve(binary), player.url, all, (line) => {
    const record = parsed(line);
    if (record?.msg === 'exchange') records.set(`${record.dialect} ${record['gen_ai.request.model']}`, record);
  });
  const from = readers(player.url, 'none');
  const through = readers(gateway.url, key);
  const results = await each(recordings, inParallel, async (r) => {
    const said = await attempt(() => from[r.speaks]({ model: r.id, streaming: r.streaming }));
    const named = [...new Set((said.answer?.tools ?? []).map((t) => t.name))].filter((name) => /^[\w-]{1,64}$/.test(name));
    const names = named.length ? named : undefined;
    const got = {};
    for (const client of all) got[client] = await attempt(() => through[client]({ model: `${r.speaks}/${r.id}`, streaming: r.streaming, names }));
    return { r, said, got };
  });
  from.close();
  through.close();
  await gateway.close();
  player.close();

  const table = {};
  const groups = new Map();
  const excepted = new Map();
  for (const { r, said, got } of results) {
    for (const client of all) {
      const cell = (table[client] ??= {})[r.speaks] ??= { read: 0, errors: 0, excepted: 0, failed: 0 };
      let wrong = problems(client, r, said, got[client], records.get(recordOf(client, r)));
      const [why] = wrong.length ? exceptions.find(([, holds]) => holds(client, r, said, got[client])) ?? [] : [];
      if (why) wrong = [];
      if (why) excepted.set(why, [...(excepted.get(why) ?? []), `${client} ${r.id}`]);
      cell[why ? 'excepted' : wrong.length ? 'failed' : got[client].error ? 'errors' : 'read']++;
      for (const [what, detail] of wrong) {
        const at = `${client} client, ${r.speaks} provider: ${what}`;
        groups.set(at, [...(groups.get(at) ?? []), `${r.id}${r.streaming ? ' (stream)' : ''}: ${detail}`]);
      }
    }
  }
  console.log(`${results.length} recordings: by client (rows) and provider, answers read / errors told / excepted / failed`);
  const line = (cell) => Object.values(cell).join(' / ');
  console.table(Object.fromEntries(Object.entries(table).map(([client, cells]) => (
    [client, Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, line(cell)]))]))));
  const unread = results.filter(({ said }) => said.error && !isTold(said.error)).map(({ r }) => r.id);
  if (unread.length) console.log(`not compared, since the provider's own SDK cannot read them: ${unread.join(', ')}`);
  for (const [why, which] of excepted) console.log(`excepted: ${why}: ${which.length} (${which.slice(0, 3).join(', ')} …)`);
  const told = [...groups].map(([what, lines]) => `\n${what}: ${lines.length}\n  ${lines.slice(0, 12).join('\n  ')}`).join('\n');
  assert.equal(groups.size, 0, told);
  const most = results.length * all.length / 100;
  assert.ok([...excepted.values()].flat().length <= most, `more than one in a hundred is excepted: ${JSON.stringify([...excepted])}`);
});
