// Batches through Google's SDK: a list of requests, asked after, read, listed, cancelled, deleted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoogleGenAI } from '@google/genai';
import { base, key } from './weir.mjs';

const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } });
const over = ['JOB_STATE_SUCCEEDED', 'JOB_STATE_FAILED', 'JOB_STATE_CANCELLED', 'JOB_STATE_EXPIRED'];

/** Asks for a batch until it is over. */
async function until(name) {
  for (let i = 0; i < 100; i++) {
    const batch = await client.batches.get({ name });
    if (over.includes(batch.state)) return batch;
    await sleep(50);
  }
  return assert.fail('it is never over');
}

const request = (text) => ({ contents: [{ role: 'user', parts: [{ text }] }], metadata: { key: text } });

test('a batch of a list', async (t) => {
  const made = await client.batches.create({ model: 'gem-plain', src: [request('one'), request('two')], config: { displayName: 'a test' } });
  assert.match(made.name, /^batches\/wr1_/);
  assert.equal(made.displayName, 'a test');

  await t.test('its results', async () => {
    const done = await until(made.name);
    assert.equal(done.state, 'JOB_STATE_SUCCEEDED');
    const results = done.dest.inlinedResponses;
    assert.deepEqual(results.map((r) => r.metadata.key), ['one', 'two']);
    for (const { response, metadata } of results) {
      assert.match(response.candidates[0].content.parts[0].text, new RegExp(metadata.key));
      assert.ok(response.usageMetadata.promptTokenCount > 0);
    }
  });

  await t.test('the list', async () => {
    const names = [];
    for await (const batch of await client.batches.list({ config: { pageSize: 1 } })) names.push(batch.name);
    assert.ok(names.includes(made.name));
  });

  await t.test('cancelling and deleting', async () => {
    const other = await client.batches.create({ model: 'models/sim-gem/sim-1', src: [request('one')], config: { displayName: 'another' } });
    await client.batches.cancel({ name: other.name });
    await until(other.name); // which may be quicker than the cancelling
    let gone;
    for (let i = 0; i < 100 && !gone; i++) {
      gone = await client.batches.delete({ name: other.name }).catch(() => sleep(50));
    }
    assert.ok(gone, 'it cannot be deleted');
    await assert.rejects(client.batches.get({ name: other.name }), (err) => err.status === 404);
  });

  await t.test('a request that is not allowed', async () => {
    const wrong = client.batches.create({ model: 'nowhere', src: [request('one')], config: { displayName: 'x' } });
    await assert.rejects(wrong, (err) => err.status === 404 && /requests\[0\]/.test(err.message));
  });

  await t.test('requests in a file', async () => {
    const wrong = client.batches.create({ model: 'gem-plain', src: 'files/abc', config: { displayName: 'x' } });
    await assert.rejects(wrong, (err) => err.status === 400 && /batch\.inputConfig/.test(err.message));
  });
});
