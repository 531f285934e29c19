// Files through both SDKs, named in calls, and a job of fine-tuning made of one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { toFile } from 'openai';
import { anthropic, openai } from './weir.mjs';

const betas = ['files-api-2025-04-14'];

test('OpenAI’s files', async (t) => {
  const client = openai();
  const file = await client.files.create({ purpose: 'user_data', file: await toFile(Buffer.from('%PDF-1.4 nothing'), 'a.pdf'), expires_after: { anchor: 'created_at', seconds: 3600 } });
  assert.match(file.id, /^file-wr1_/);
  assert.equal(file.filename, 'a.pdf');
  assert.deepEqual(await client.files.retrieve(file.id), file);
  assert.equal(await (await client.files.content(file.id)).text(), '%PDF-1.4 nothing');

  await t.test('the list', async () => {
    await client.files.create({ purpose: 'user_data', file: await toFile(Buffer.from('b'), 'b.txt') });
    const names = [];
    for await (const one of client.files.list({ purpose: 'user_data', limit: 1 })) names.push(one.filename);
    assert.deepEqual(names.slice(0, 2), ['b.txt', 'a.pdf']);
  });

  await t.test('named in a chat', async () => {
    const answer = await client.chat.completions.create({
      model: 'sim-chat/sim-1',
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Sum it up.' }, { type: 'file', file: { file_id: file.id } }] }],
    });
    assert.ok(answer.choices[0].message.content);
  });

  await t.test('named in a response that is translated', async () => {
    const answer = await client.responses.create({
      model: 'sim-chat/sim-1',
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'Sum it up.' }, { type: 'input_file', file_id: file.id }] }],
    });
    assert.ok(answer.output_text);
  });

  await t.test('where it is not kept', async () => {
    await assert.rejects(client.responses.create({
      model: 'sim-resp/sim-1',
      input: [{ role: 'user', content: [{ type: 'input_file', file_id: file.id }] }],
    }), (e) => e instanceof OpenAI.BadRequestError && /kept by the provider sim-chat/.test(e.message));
  });

  await t.test('deleted', async () => {
    assert.deepEqual(await client.files.delete(file.id), { id: file.id, object: 'file', deleted: true });
    await assert.rejects(client.files.retrieve(file.id), (e) => e instanceof OpenAI.NotFoundError);
  });
});

test('Anthropic’s files', async (t) => {
  const client = anthropic();
  const file = await client.beta.files.upload({ file: await toFile(Buffer.from('%PDF-1.4'), 'c.pdf', { type: 'application/pdf' }), betas });
  assert.match(file.id, /^file_wr1_/);
  assert.equal((await client.beta.files.retrieveMetadata(file.id, { betas })).filename, 'c.pdf');
  const names = [];
  for await (const one of client.beta.files.list({ limit: 1, betas })) names.push(one.filename);
  assert.deepEqual(names, ['c.pdf']);

  await t.test('named in a message', async () => {
    const answer = await client.beta.messages.create({
      model: 'sim-msg/sim-1',
      max_tokens: 100,
      betas,
      messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'file', file_id: file.id } }] }],
    });
    assert.equal(answer.content[0].type, 'text');
  });

  await t.test('what cannot be fetched', async () => {
    await assert.rejects(client.beta.files.download(file.id, { betas }), (e) => e instanceof Anthropic.BadRequestError && e.message.includes(file.id));
  });

  await t.test('deleted', async () => {
    assert.equal((await client.beta.files.delete(file.id, { betas })).id, file.id);
    await assert.rejects(client.beta.files.retrieveMetadata(file.id, { betas }), (e) => e instanceof Anthropic.NotFoundError);
  });
});

test('fine-tuning', async () => {
  const client = openai();
  const file = await client.files.create({ purpose: 'fine-tune', file: await toFile(Buffer.from('{"messages":[]}\n'), 'train.jsonl') });
  const job = await client.fineTuning.jobs.create({ model: 'sim-chat/sim-1', training_file: file.id });
  assert.match(job.id, /^ftjob-wr1_/);
  assert.equal(job.training_file, file.id);
  assert.equal((await client.fineTuning.jobs.pause(job.id)).status, 'paused');
  await client.fineTuning.jobs.resume(job.id);
  let seen = job;
  for (let i = 0; i < 5 && seen.status !== 'succeeded'; i++) seen = await client.fineTuning.jobs.retrieve(job.id);
  assert.equal(seen.status, 'succeeded');
  assert.match(await (await client.files.content(seen.result_files[0])).text(), /^step,/);
  const ids = [];
  for await (const one of client.fineTuning.jobs.list({ limit: 1 })) ids.push(one.id);
  assert.deepEqual(ids, [job.id]);
  for await (const event of client.fineTuning.jobs.listEvents(job.id)) assert.match(event.id, /^ftevent-/);
  for await (const one of client.fineTuning.jobs.checkpoints.list(job.id)) assert.equal(one.fine_tuning_job_id, job.id);
  const answer = await client.chat.completions.create({ model: `sim-chat/${seen.fine_tuned_model}`, messages: [{ role: 'user', content: 'Hello' }] });
  assert.ok(answer.choices[0].message.content);
});
