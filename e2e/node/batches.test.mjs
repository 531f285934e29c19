// Batches through both SDKs: a file of requests and a body of them, asked after, read, listed, cancelled.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { toFile } from 'openai';
import { anthropic, base, openai } from './weir.mjs';

/** Asks until what it gets is over. */
async function until(ask, over) {
  for (let i = 0; i < 100; i++) {
    const seen = await ask();
    if (over(seen)) return seen;
    await sleep(50);
  }
  return assert.fail('it is never over');
}

const line = (id, model) => JSON.stringify({
  custom_id: id,
  method: 'POST',
  url: '/v1/chat/completions',
  body: { model, messages: [{ role: 'user', content: `This is ${id}` }] },
});

const upload = async (client, ...lines) => client.files.create({ purpose: 'batch', file: await toFile(Buffer.from(lines.join('\n')), 'requests.jsonl') });

test('a batch of a file', async (t) => {
  const client = openai();
  const file = await upload(client, line('one', 'chat-plain'), line('two', 'sim-chat/sim-1'));
  assert.match(file.id, /^file-wr1_/);
  const made = await client.batches.create({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h', metadata: { of: 'a test' } });
  assert.match(made.id, /^batch_wr1_/);
  assert.equal(made.input_file_id, file.id);

  await t.test('its results', async () => {
    const done = await until(() => client.batches.retrieve(made.id), (batch) => batch.status === 'completed');
    assert.equal(done.request_counts.completed, 2);
    assert.deepEqual(done.metadata, { of: 'a test' });
    const output = await (await client.files.content(done.output_file_id)).text();
    const results = output.trim().split('\n').map((text) => JSON.parse(text));
    assert.deepEqual(results.map((r) => r.custom_id), ['one', 'two']);
    for (const result of results) {
      assert.equal(result.response.status_code, 200);
      assert.match(result.response.body.choices[0].message.content, new RegExp(result.custom_id));
    }
  });

  await t.test('the list', async () => {
    const ids = [];
    for await (const batch of client.batches.list({ limit: 1 })) ids.push(batch.id);
    assert.ok(ids.includes(made.id));
  });

  await t.test('cancelling', async () => {
    const other = await client.batches.create({ input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' });
    const cancelled = await client.batches.cancel(other.id);
    assert.equal(cancelled.id, other.id);
    assert.match(cancelled.status, /^cancell(ing|ed)$/);
  });

  await t.test('a line that is not allowed', async () => {
    const wrong = upload(client, line('one', 'chat-plain'), line('two', 'nowhere'));
    await assert.rejects(wrong, (err) => err.status === 404 && /line 2/.test(err.message));
  });

  await t.test('an id that is not known', async () => {
    await assert.rejects(client.batches.retrieve(`${made.id}x`), (err) => err.status === 404);
  });
});

test('a batch of messages', async (t) => {
  const client = anthropic();
  const params = { model: 'msg-plain', max_tokens: 500, messages: [{ role: 'user', content: 'Is anybody there?' }] };
  const made = await client.messages.batches.create({ requests: [{ custom_id: 'one', params }, { custom_id: 'two', params: { ...params, model: 'sim-msg/sim-429' } }] });
  assert.match(made.id, /^msgbatch_wr1_/);
  assert.equal(made.processing_status, 'in_progress');

  await t.test('its results', async () => {
    const ended = await until(() => client.messages.batches.retrieve(made.id), (batch) => batch.processing_status === 'ended');
    assert.ok(ended.results_url.startsWith(base), 'the results are read by this gateway');
    const results = {};
    for await (const result of await client.messages.batches.results(made.id)) results[result.custom_id] = result.result;
    assert.equal(results.one.type, 'succeeded');
    assert.equal(results.one.message.type, 'message');
    assert.equal(results.two.type, 'errored');
    assert.equal(results.two.error.error.type, 'rate_limit_error');
  });

  await t.test('the list', async () => {
    const ids = [];
    for await (const batch of client.messages.batches.list({ limit: 1 })) ids.push(batch.id);
    assert.ok(ids.includes(made.id));
  });

  await t.test('cancelling and deleting', async () => {
    const other = await client.messages.batches.create({ requests: [{ custom_id: 'one', params }] });
    assert.equal((await client.messages.batches.cancel(other.id)).id, other.id);
    await until(() => client.messages.batches.retrieve(other.id), (batch) => batch.processing_status === 'ended');
    const gone = await until(() => client.messages.batches.delete(other.id).catch(() => null), Boolean);
    assert.equal(gone.id, other.id);
    await assert.rejects(client.messages.batches.retrieve(other.id), (err) => err.status === 404);
  });
});
