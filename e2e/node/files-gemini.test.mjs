// Gemini's files through Google's SDK: small and large, waited for, named in a call, listed, deleted, and another key's.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, GoogleGenAI, createPartFromUri, createUserContent } from '@google/genai';
import { base, key } from './weir.mjs';

const google = (apiKey) => new GoogleGenAI({ apiKey, httpOptions: { baseUrl: base } });
const model = 'sim-gem/sim-1';

/** Waits until a file can be named. */
async function active(client, file) {
  for (let i = 0; file.state === 'PROCESSING' && i < 50; i++) {
    await sleep(100);
    file = await client.files.get({ name: file.name });
  }
  assert.equal(file.state, 'ACTIVE');
  return file;
}

test('Gemini’s files', async (t) => {
  const client = google(key);
  const file = await client.files.upload({ file: new Blob(['%PDF-1.4 nothing'], { type: 'application/pdf' }), config: { displayName: 'a.pdf' } });
  assert.match(file.name, /^files\/wr1_/);
  assert.equal(file.uri, `${base}/v1beta/${file.name}`);
  assert.equal(file.displayName, 'a.pdf');
  assert.deepEqual(await client.files.get({ name: file.name }), file);

  await t.test('named in a call', async () => {
    const contents = createUserContent(['Sum it up.', createPartFromUri(file.uri, file.mimeType)]);
    assert.ok((await client.models.generateContent({ model, contents })).text);
    assert.ok((await client.models.countTokens({ model, contents })).totalTokens > 0);
  });

  await t.test('another’s', async () => {
    const other = google(process.env.WEIR_NARROW_KEY);
    const missing = (e) => e instanceof ApiError && e.status === 404;
    await assert.rejects(other.files.get({ name: file.name }), missing);
    await assert.rejects(other.files.delete({ name: file.name }), missing);
    const theirs = [];
    for await (const one of await other.files.list()) theirs.push(one.name);
    assert.deepEqual(theirs, []);
    const unknown = createUserContent(['Sum it up.', createPartFromUri('https://generativelanguage.googleapis.com/v1beta/files/abc', 'application/pdf')]);
    await assert.rejects(client.models.generateContent({ model, contents: unknown }), missing);
  });

  await t.test('a large one, from a path, in parts', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'weir-'));
    try {
      const path = join(dir, 'film.mp4');
      await writeFile(path, Buffer.alloc(20 << 20, 'film'));
      const made = await client.files.upload({ file: path, config: { mimeType: 'video/mp4' } });
      assert.equal(made.sizeBytes, String(20 << 20));
      const film = await active(client, made);
      assert.ok((await client.models.generateContent({ model, contents: createUserContent(['What is it?', createPartFromUri(film.uri, film.mimeType)]) })).text);
    } finally {
      await rm(dir, { recursive: true });
    }
  });

  await t.test('the list', async () => {
    const seen = [];
    for await (const one of await client.files.list({ config: { pageSize: 1 } })) seen.push(one.mimeType);
    assert.deepEqual(seen.slice(0, 2), ['video/mp4', 'application/pdf']);
  });

  await t.test('deleted', async () => {
    await client.files.delete({ name: file.name });
    await assert.rejects(client.files.get({ name: file.name }), (e) => e instanceof ApiError && e.status === 404);
  });

  await t.test('a name of one’s own', async () => {
    await assert.rejects(
      client.files.upload({ file: new Blob(['x'], { type: 'text/plain' }), config: { name: 'mine' } }),
      (e) => e instanceof ApiError && e.status === 400 && /file\.name/.test(e.message),
    );
  });
});
