// The SDKs of sdks.mjs against every upstream dialect: what one of them documents must hold, whichever way the request
// went. WEIR_DIRECT leaves the gateway out: the simulated provider itself is understood by them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { chat, close, sdks } from './sdks.mjs';
import { can, checkPerson, checkWeather, clock, direct, nothingOpen, openai, person, upstreams, weather } from './weir.mjs';

after(close);

const vias = direct ? ['itself'] : upstreams;
const named = (via, model) => (direct ? model : `${via}/${model}`);

async function thrown(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  return assert.fail(`expected an error, got ${JSON.stringify(value)?.slice(0, 500)}`);
}

for (const sdk of sdks) {
  // The upstreams side by side: most of the time is spent waiting for a simulated model to speak.
  test(sdk.name, { concurrency: vias.length }, async (t) => {
    await Promise.all(vias.map((via) => t.test(`via ${via}`, (t) => suite(t, sdk, via))));
    await nothingOpen();
  });
}

async function suite(t, sdk, via) {
  const ask = (model, more) => sdk.ask({ model: named(via, model), ...more });
  const both = async (name, body) => {
    for (const stream of [false, true]) await t.test(`${name}${stream ? ', streamed' : ''}`, () => body(stream));
  };

  await both('plain', async (stream) => {
    const text = 'A plain question: ä 漢 🙂?';
    const first = await ask('sim-1', { text, system: 'Be brief.', stream });
    assert.ok(first.text.includes(text), first.text);
    assert.match(first.text, /My instructions have 2 words/);
    if (stream) assert.equal(first.streamed, first.text);
    assert.equal(first.end, 'end');
    assert.ok(first.input > 0 && first.output > 0, JSON.stringify(first));
    const second = await ask('sim-1', { text: 'And then?', history: first.history, stream });
    assert.match(second.text, /message 2 of our conversation/);
  });

  await both('tools, there and back', async (stream) => {
    const first = await ask('sim-tools', { text: 'What is the weather? Use get_weather.', tools: [weather], stream });
    assert.equal(first.end, 'calls');
    assert.deepEqual(first.calls.map((call) => call.name), ['get_weather']);
    checkWeather(first.calls[0].args);
    const second = await ask('sim-tools', { results: [{ call: first.calls[0], output: '18 degrees' }], history: first.history, tools: [weather], stream });
    assert.match(second.text, /18 degrees/);
    assert.equal(second.end, 'end');
    const third = await ask('sim-1', { text: 'Thanks. And?', history: second.history, tools: [weather], stream });
    assert.match(third.text, /You asked: “Thanks. And\?”/);
  });

  await both('parallel calls', async (stream) => {
    const tools = [weather, clock];
    const first = await ask('sim-tools', { text: 'Use get_weather and get_time, please.', tools, stream });
    assert.deepEqual(first.calls.map((call) => call.name), ['get_weather', 'get_time']);
    const results = first.calls.map((call) => ({ call, output: `result of ${call.name}` }));
    const second = await ask('sim-1', { results, history: first.history, tools, stream });
    assert.match(second.text, /get_weather returned: “result of get_weather”/);
    assert.match(second.text, /get_time returned: “result of get_time”/);
  });

  await both('structured output', async (stream) => {
    checkPerson((await ask('sim-1', { text: 'Describe a person', schema: person, stream })).text);
  });

  await both('thinking, continued with what seals it', async (stream) => {
    const more = { tools: [weather], think: true, stream };
    const first = await ask('sim-think', { text: 'Think about get_weather, then use it.', ...more });
    if (sdk.shows !== false || can(via, 'think aloud unasked')) assert.match(first.thought, /I am simulated/);
    assert.equal(first.calls.length, 1);
    const second = await ask('sim-think', { results: [{ call: first.calls[0], output: 'fog' }], history: first.history, ...more });
    assert.match(second.text, /get_weather returned: “fog”/);
    const third = await ask('sim-think', { text: 'So?', history: second.history, ...more });
    assert.match(third.text, /You asked: “So\?”/);
  });

  await both('limits', async (stream) => {
    const cut = await ask('sim-long', { text: 'At length', room: 20, stream });
    assert.equal(cut.end, 'length');
    assert.ok(cut.output <= 20, `${cut.output} tokens`);
  });

  await both('faults before the answer', async (stream) => {
    const table = [
      ['sim-429', [429]], ['sim-overloaded', [503, 529]], ['sim-500', [500, 502]], ['sim-503', [503]], ['sim-context', [400]],
      ['sim-unheard-of', [400, 404]],
    ];
    if (!direct) table.push(['sim-garbage', [502]]);
    await Promise.all(table.map(async ([model, statuses]) => {
      const error = await thrown(ask(model, { text: 'Fail', stream }));
      assert.ok(statuses.includes(sdk.status(error)), `${model}: status ${sdk.status(error)}: ${error?.stack}`);
      assert.ok(error.message.length > 0, `${model} says nothing`);
    }));
  });

  await t.test('faults within the answer', async () => {
    const models = ['sim-error-in-stream', 'sim-error-first', 'sim-cut'];
    if (!direct) models.push('sim-stall'); // nobody else has a time limit
    await Promise.all(models.map(async (model) => {
      let answer;
      try {
        answer = await ask(model, { text: 'Break', stream: true });
      } catch {
        return;
      }
      // Through the gateway a cut is said; alone, its absence of an end shows it.
      assert.ok(direct && answer.cut, `${model} was not noticed: ${JSON.stringify(answer).slice(0, 500)}`);
    }));
    await thrown(ask('sim-cut', { text: 'Break' }));
  });
}

for (const via of vias) {
  test(`google genai's conversations via ${via}`, async () => {
    const talk = chat(named(via, 'sim-think'));
    assert.match((await talk.sendMessage({ message: 'One' })).text, /You asked: “One”/);
    let said = '';
    for await (const chunk of await talk.sendMessageStream({ message: 'Two' })) said += chunk.text ?? '';
    assert.match(said, /You asked: “Two” That is message 2/);
    assert.match((await talk.sendMessage({ message: 'Three' })).text, /That is message 3/);
  });
}

for (const via of vias) {
  test(`openai responses that are kept, via ${via}`, async (t) => {
    const client = openai();
    const model = named(via, 'sim-1');
    const first = await client.responses.create({ model, input: 'One', instructions: 'Be brief.' });
    assert.match(first.output_text, /You asked: “One”/);
    await t.test('gone on from', async () => {
      const second = await client.responses.create({ model, input: 'Two', previous_response_id: first.id });
      assert.match(second.output_text, /You asked: “Two” That is message 2 of our conversation/);
      assert.equal(second.previous_response_id, first.id);
      const third = client.responses.stream({ model, input: 'Three', previous_response_id: second.id });
      assert.match((await third.finalResponse()).output_text, /That is message 3/);
    });
    await t.test('asked for again, and deleted', async () => {
      const again = await client.responses.retrieve(first.id);
      assert.equal(again.output_text, first.output_text);
      assert.deepEqual(again.output, first.output);
      await client.responses.delete(first.id);
      assert.equal((await thrown(client.responses.retrieve(first.id))).status, 404);
    });
    await t.test('not kept', async () => {
      const unkept = await client.responses.create({ model, input: 'One', store: false });
      assert.equal((await thrown(client.responses.retrieve(unkept.id))).status, 404);
      const error = await thrown(client.responses.create({ model, input: 'Two', previous_response_id: unkept.id }));
      assert.ok([400, 404].includes(error.status), `status ${error.status}`);
    });
  });
}

for (const via of vias) {
  test(`openai completions via ${via}`, async () => {
    const request = { model: named(via, 'sim-1'), prompt: 'Once upon a time', max_tokens: 60 };
    const answer = await openai().completions.create(request);
    assert.match(answer.choices[0].text, /You asked: “Once upon a time”/);
    assert.equal(answer.choices[0].finish_reason, 'stop');
    let said = '';
    for await (const chunk of await openai().completions.create({ ...request, stream: true })) said += chunk.choices[0]?.text ?? '';
    assert.equal(said, answer.choices[0].text);
    const error = await thrown(openai().completions.create({ ...request, model: named(via, 'sim-429') }));
    assert.equal(error.status, 429);
  });
}
