// The stage of the recordings' tests: the recordings, a provider that plays them, and a gateway in front of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export const key = 'wr-recordings-0123456789abcdef01234567';

/** The wire languages there are, with where a provider of each begins and what the gateway calls it. */
export const languages = {
  chat: { dialect: 'openai-chat', root: '/v1', path: '/v1/chat/completions' },
  responses: { dialect: 'openai-responses', root: '/v1', path: '/v1/responses' },
  completions: { dialect: 'openai-completions', root: '/v1', path: '/v1/completions' },
  messages: { dialect: 'anthropic-messages', root: '', path: '/v1/messages' },
  gemini: { dialect: 'gemini-generate', root: '', named: /^\/v1beta\/models\/([^/:]+):(g|streamG)enerateContent$/ },
  converse: { dialect: 'bedrock-converse', root: '', named: /^\/model\/([^/]+)\/converse(-stream)?$/, streams: 'application/vnd.amazon.eventstream' },
  cohere: { dialect: 'cohere-chat', root: '', path: '/v2/chat' },
  ollama: { dialect: 'ollama-chat', root: '', path: '/api/chat', streams: 'application/x-ndjson' },
};

/** Those that pass and are not translated. */
const passed = { interactions: { dialect: 'gemini-interactions', root: '' } };

/** What is spoken at a path that only looks like Completions: Chat Completions, and a language of its own. */
const others = { portkey: 'chat', writer: null };

/** The wire language a recording is in, null for one that is of none of them. */
function speaks({ file, operation }) {
  const folder = file.split('/')[0];
  switch (operation) {
    case 'messages': return ['anthropic-messages', 'vertex-anthropic'].includes(folder) ? 'messages' : null;
    case 'chat': return { 'cohere-chat': 'cohere', ollama: 'ollama' }[folder] ?? 'chat';
    case 'generate': return ['gemini-generate', 'vertex-gemini'].includes(folder) ? 'gemini' : null;
    case 'converse': return folder === 'bedrock-converse' ? 'converse' : null;
    case 'completions': return folder in others ? others[folder] : operation;
    case 'responses': return operation;
    default: return null;
  }
}

/** Every recording in folder that is of some languages: {id, speaks, streaming, status, headers, body}. */
export async function load(folder, of = ['chat', 'messages']) {
  const lines = (await readFile(join(folder, 'MANIFEST.jsonl'), 'utf8')).split('\n').filter(Boolean).map((l) => JSON.parse(l));
  const all = await Promise.all(lines.filter((line) => of.includes(speaks(line))).map(async (line) => {
    const { id, method, streaming, endpoint, stream_format: format, response } = JSON.parse(await readFile(join(folder, line.file), 'utf8'));
    const language = speaks(line);
    if (language === 'cohere' && endpoint.path === '/v1/chat') return null; // an earlier version, another language
    if (method === 'DELETE') return null; // no answer of a model
    const body = Buffer.from(response.body, response.body_encoding === 'base64' ? 'base64' : 'utf8');
    const headers = head(response.headers ?? {}, streaming ? languages[language].streams ?? 'text/event-stream' : 'application/json');
    const r = { id, folder: line.file.split('/')[0], speaks: language, streaming, status: response.status, headers, body };
    return format === 'json-array' ? asEvents(r) : r;
  }));
  return all.filter(Boolean);
}

/** The recorded headers but those of the transfer. Some recorders kept none: the SDKs go by the content type. */
function head(recorded, type) {
  const headers = { 'content-type': type };
  for (const [name, value] of Object.entries(recorded)) {
    if (!/^(content-length|content-encoding|transfer-encoding|connection)$/i.test(name)) headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** A stream that was recorded as one list, as it comes to who asks for events: the same items, each on a line. */
function asEvents(r) {
  const text = r.body.toString();
  const items = membersOf(text, text.indexOf('[')).map(({ start, end }) => text.slice(start, end).replace(/\r?\n/g, ''));
  return { ...r, headers: { ...r.headers, 'content-type': 'text/event-stream' }, body: Buffer.from(items.map((i) => `data: ${i}\r\n\r\n`).join('')) };
}

/** A provider of every language: the model a request names is the id of the recording that answers it. */
export async function play(recordings) {
  const byId = new Map(recordings.map((r) => [r.id, r]));
  const server = createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks));
    const at = new URL(req.url, 'http://player').pathname;
    const r = byId.get(body.model) ?? byId.get(Object.values(languages).map(({ named }) => named?.exec(at)?.[1]).find(Boolean));
    const { path, named } = languages[r?.speaks] ?? {};
    // Ollama streams unless told not to; where the path names the model it says whether to stream, too.
    const stream = named ? /stream/.test(at) : body.stream ?? r?.speaks === 'ollama';
    if (!r || (path ? path !== at : !named.test(at)) || Boolean(stream) !== r.streaming) {
      res.writeHead(418).end(`the player was asked for what it does not have: ${req.method} ${req.url} ${body.model} ${body.stream}`);
      return;
    }
    res.writeHead(r.status, r.headers).end(r.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * A gateway with the player behind it, as a provider of each language. Each line of its records goes to whom wants it; all
 * have come when it is closed.
 */
export async function start(binary, player, of = ['chat', 'messages'], heard = () => {}) {
  const folder = await mkdtemp(join(tmpdir(), 'weir-recordings-'));
  const listen = `127.0.0.1:${await freePort()}`;
  await writeFile(join(folder, 'weir.yaml'), `version: 1
listen: "${listen}"
providers:
${of.map((name) => [name, languages[name] ?? passed[name]]).map(([name, l]) => `  ${name}: { base_url: "${player}${l.root}", speaks: [${l.dialect}], auth: none }`).join('\n')}
keys:
  - { name: recordings, key: "${key}", models: [${of.map((name) => `"${name}/*"`)}] }
`);
  const child = spawn(binary, ['serve', '-c', join(folder, 'weir.yaml')], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => { child.once('exit', resolve); child.once('error', resolve); });
  let over = false;
  ended.then(() => { over = true; });
  let words = '';
  createInterface({ input: child.stdout }).on('line', heard);
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { words = (words + data).slice(-20_000); });
  const close = async () => {
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
    if (!over) child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; ; tries++) {
    const ready = await fetch(`http://${listen}/readyz`).then((r) => r.ok, () => false);
    if (ready) return { url: `http://${listen}`, close };
    if (over || tries === 200) {
      await close();
      throw new Error(`the gateway is not ready: ${words}`);
    }
    await sleep(50);
  }
}

/**
 * A fetch over node:http that keeps what the SDKs do not show: the bytes of an answer, and the trailers, where the gateway
 * names what turned out to be lost in mid-stream. Each call's are in seen: {headers, bytes, trailers, ended}.
 */
export function watching() {
  const seen = [];
  const watched = (url, { method, headers, body, signal } = {}) => new Promise((resolve, reject) => {
    const req = request(url, { method, headers: Object.fromEntries(new Headers(headers)), signal }, (res) => {
      const kept = { headers: new Headers(res.headers), bytes: [], trailers: () => res.trailers, ended: new Promise((done) => { res.once('close', done); }) };
      seen.push(kept);
      let open = true; // an SDK leaves at the end mark, and the trailers come after it
      const stream = new ReadableStream({
        start(controller) {
          res.on('data', (data) => {
            kept.bytes.push(data);
            if (open) controller.enqueue(new Uint8Array(data));
          });
          res.once('end', () => { if (open) controller.close(); });
          res.once('error', (error) => { if (open) controller.error(error); });
        },
        cancel() { open = false; },
      });
      resolve(new Response(stream, { status: res.statusCode, headers: kept.headers }));
    });
    req.once('error', reject);
    req.end(body);
  });
  return { fetch: watched, seen };
}

/** The members of the object or list that begins at a place: [{name, start, end}]. text is valid JSON. */
export function membersOf(text, at) {
  const found = [];
  const space = /[\s,]*/y;
  const scalar = /"(?:[^"\\]+|\\.)*"|[^\s,\]}]+/ys;
  const past = (pattern, i) => { pattern.lastIndex = i; pattern.test(text); return pattern.lastIndex; };
  const end = (i) => {
    if (text[i] !== '{' && text[i] !== '[') return past(scalar, i);
    let depth = 0;
    do {
      if (text[i] === '"') { i = past(scalar, i); continue; }
      if ('{['.includes(text[i])) depth++;
      if ('}]'.includes(text[i])) depth--;
      i++;
    } while (depth > 0);
    return i;
  };
  const named = text[at] === '{';
  for (let i = past(space, at + 1); !'}]'.includes(text[i]); i = past(space, i)) {
    let name;
    if (named) {
      const stop = past(scalar, i);
      name = JSON.parse(text.slice(i, stop));
      i = text.indexOf(':', stop) + 1;
      while (/\s/.test(text[i])) i++;
    }
    const start = i;
    i = end(i);
    found.push({ name, start, end: i });
  }
  return found;
}
