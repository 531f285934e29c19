// The stage of the recordings' tests: the recordings, a provider that plays them, and a gateway in front of it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const key = 'wr-recordings-0123456789abcdef01234567';

/** The wire language a recording is in, null for one that is of neither. */
function speaks({ file, operation }) {
  const folder = file.split('/')[0];
  if (operation === 'messages' && ['anthropic-messages', 'vertex-anthropic'].includes(folder)) return 'messages';
  if (operation === 'chat' && !['cohere-chat', 'ollama'].includes(folder)) return 'chat';
  return null;
}

/** Every recording in folder that is of the two languages: {id, speaks, streaming, status, headers, body}. */
export async function load(folder) {
  const lines = (await readFile(join(folder, 'MANIFEST.jsonl'), 'utf8')).split('\n').filter(Boolean).map((l) => JSON.parse(l));
  return Promise.all(lines.filter(speaks).map(async (line) => {
    const { id, streaming, response } = JSON.parse(await readFile(join(folder, line.file), 'utf8'));
    const body = Buffer.from(response.body, response.body_encoding === 'base64' ? 'base64' : 'utf8');
    return { id, speaks: speaks(line), streaming, status: response.status, headers: head(response.headers ?? {}, streaming), body };
  }));
}

/** The recorded headers but those of the transfer. Some recorders kept none: the SDKs go by the content type. */
function head(recorded, streaming) {
  const headers = { 'content-type': streaming ? 'text/event-stream' : 'application/json' };
  for (const [name, value] of Object.entries(recorded)) {
    if (!/^(content-length|content-encoding|transfer-encoding|connection)$/i.test(name)) headers[name.toLowerCase()] = value;
  }
  return headers;
}

/** A provider of both languages: the model a request names is the id of the recording that answers it. */
export async function play(recordings) {
  const byId = new Map(recordings.map((r) => [r.id, r]));
  const server = createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks));
    const r = byId.get(body.model);
    const path = { chat: '/v1/chat/completions', messages: '/v1/messages' }[r?.speaks];
    if (!path || new URL(req.url, 'http://player').pathname !== path || Boolean(body.stream) !== r.streaming) {
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

/** A gateway with the player behind it, as the providers chat and messages. */
export async function start(binary, player) {
  const folder = await mkdtemp(join(tmpdir(), 'weir-recordings-'));
  const listen = `127.0.0.1:${await freePort()}`;
  await writeFile(join(folder, 'weir.yaml'), `version: 1
listen: "${listen}"
providers:
  chat: { base_url: "${player}/v1", speaks: [openai-chat], auth: none }
  messages: { base_url: "${player}", speaks: [anthropic-messages], auth: none }
keys:
  - { name: recordings, key: "${key}", models: ["chat/*", "messages/*"] }
`);
  const child = spawn(binary, ['serve', '-c', join(folder, 'weir.yaml')], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => { child.once('exit', resolve); child.once('error', resolve); });
  let over = false;
  ended.then(() => { over = true; });
  let words = '';
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
