// Batches through Mistral's SDK: requests in a job and in a file, asked after, read, listed, cancelled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Mistral } from '@mistralai/mistralai';
import { base, key } from './weir.mjs';

const client = new Mistral({ apiKey: key, serverURL: base, retryConfig: { strategy: 'none' } });
const endpoint = '/v1/chat/completions';

/** Asks for a job until it is over. */
async function until(jobId) {
  for (let i = 0; i < 100; i++) {
    const job = await client.batch.jobs.get({ jobId });
    if (!['QUEUED', 'RUNNING', 'CANCELLATION_REQUESTED'].includes(job.status)) return job;
    await sleep(50);
  }
  return assert.fail('it is never over');
}

const request = (id) => ({ customId: id, body: { messages: [{ role: 'user', content: `This is ${id}` }] } });

/** Fails unless the results are answers to these. */
function check(results, ...ids) {
  assert.deepEqual(results.map((r) => r.custom_id), ids);
  for (const { custom_id: id, response } of results) {
    assert.equal(response.status_code, 200);
    assert.match(response.body.choices[0].message.content, new RegExp(id));
  }
}

test('a job of requests', async (t) => {
  const made = await client.batch.jobs.create({ endpoint, model: 'chat-plain', requests: [request('one'), request('two')], metadata: { of: 'a test' } });
  assert.match(made.id, /^wr1_/);

  await t.test('its results', async () => {
    const done = await until(made.id);
    assert.equal(done.status, 'SUCCESS');
    assert.equal(done.succeededRequests, 2);
    const { outputs } = await client.batch.jobs.get({ jobId: made.id, inline: true });
    check(outputs, 'one', 'two');
  });

  await t.test('the list', async () => {
    const list = await client.batch.jobs.list({ pageSize: 100, status: ['SUCCESS'] });
    assert.ok(list.data.some((job) => job.id === made.id));
    assert.ok(list.total >= 1);
  });

  await t.test('cancelling and deleting', async () => {
    const other = await client.batch.jobs.create({ endpoint, model: 'chat-plain', requests: [request('one')] });
    assert.equal((await client.batch.jobs.cancel({ jobId: other.id })).id, other.id);
    await until(other.id); // which may be quicker than the cancelling
    let gone;
    for (let i = 0; i < 100 && !gone; i++) {
      gone = await client.batch.jobs.delete({ jobId: other.id }).catch(() => sleep(50));
    }
    assert.equal(gone.id, other.id);
  });

  await t.test('a request that is not allowed', async () => {
    const wrong = client.batch.jobs.create({ endpoint, model: 'nowhere', requests: [request('one')] });
    await assert.rejects(wrong, (err) => err.statusCode === 404 && /requests\[0\]/.test(err.body));
  });
});

test('a job of a file', async () => {
  const lines = ['one', 'two'].map((id) => JSON.stringify({ custom_id: id, body: request(id).body }));
  const file = await client.files.upload({ purpose: 'batch', file: { fileName: 'requests.jsonl', content: Buffer.from(lines.join('\n')) } });
  const made = await client.batch.jobs.create({ endpoint, model: 'chat-plain', inputFiles: [file.id] });
  assert.deepEqual(made.inputFiles, [file.id]);
  const done = await until(made.id);
  assert.equal(done.status, 'SUCCESS');
  const output = await new Response(await client.files.download({ fileId: done.outputFile })).text();
  check(output.trim().split('\n').map((line) => JSON.parse(line)), 'one', 'two');
});
