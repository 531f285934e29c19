// The Anthropic SDK against both upstream dialects: what it documents must hold, whichever way the request went.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import {
  anthropic, base, can, checkPerson, checkWeather, clock, key, nothingOpen, person, rejected, sent, upstreams, weather,
} from './weir.mjs';

const client = anthropic();
const tool = ({ name, description, schema }) => ({ name, description, input_schema: schema });
const ask = (text) => [{ role: 'user', content: text }];
const text = (message) => message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');
const calls = (message) => message.content.filter((b) => b.type === 'tool_use');

/** Fails unless events are those of one well-formed message: blocks opened and closed in order, nothing after the end. */
function checkOrder(events) {
  assert.equal(events[0].type, 'message_start');
  assert.equal(events.at(-1).type, 'message_stop');
  let open = null;
  let blocks = 0;
  let delta = 0;
  for (const event of events.slice(1, -1)) {
    switch (event.type) {
      case 'content_block_start':
        assert.equal(open, null, 'a block opens while another is open');
        assert.equal(event.index, blocks++, 'indices go up by one');
        open = event.index;
        break;
      case 'content_block_delta':
        assert.equal(event.index, open, 'a delta for a block that is not open');
        break;
      case 'content_block_stop':
        assert.equal(event.index, open, 'a block closes that is not open');
        open = null;
        break;
      case 'message_delta':
        assert.equal(open, null, 'the message ends while a block is open');
        delta++;
        break;
      case 'ping':
        break;
      default:
        assert.fail(`unexpected ${event.type}`);
    }
  }
  assert.equal(open, null);
  assert.equal(delta, 1, 'one message_delta');
}

async function streamed(request) {
  const stream = client.messages.stream(request);
  const events = [];
  stream.on('streamEvent', (event) => events.push(event));
  const message = await stream.finalMessage();
  checkOrder(events);
  return message;
}

for (const via of upstreams) {
  test(`anthropic via ${via}`, async (t) => {
    const base = { model: `${via}/sim-1`, max_tokens: 2000 };

    await t.test('plain', async () => {
      const { data, response } = await client.messages
        .create({ ...base, system: 'Be brief.', messages: ask('A plain question') })
        .withResponse();
      assert.equal(data.type, 'message');
      assert.equal(data.role, 'assistant');
      assert.match(text(data), /plain question/i);
      assert.equal(data.stop_reason, 'end_turn');
      assert.ok(data.usage.input_tokens > 0 && data.usage.output_tokens > 0);
      assert.match(response.headers.get('x-weir-id'), /^[0-9a-f-]{36}$/);
      assert.equal(response.headers.get('x-weir-target'), `${via}/sim-1`);
    });

    const declared = { 'sim-chat': 'chat-plain', 'sim-msg': 'msg-plain' }[via];
    await t.test('declared model', { skip: !declared && 'none is declared there' }, async () => {
      const model = declared;
      assert.ok(text(await client.messages.create({ ...base, model, messages: ask('By its name') })).length > 0);
    });

    await t.test('several turns, blocks and letters of many bytes', async () => {
      const message = await client.messages.create({
        ...base,
        system: [{ type: 'text', text: 'One.' }, { type: 'text', text: 'Two.', cache_control: { type: 'ephemeral' } }],
        messages: [
          ...ask('First'),
          { role: 'assistant', content: [{ type: 'text', text: 'Second' }] },
          { role: 'user', content: [{ type: 'text', text: 'Größe, 漢字' }, { type: 'text', text: 'and 🙂🏽' }] },
        ],
      });
      assert.ok(text(message).includes('🙂🏽'), text(message));
    });

    await t.test('image', async () => {
      const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
      const message = await client.messages.create({
        ...base,
        messages: [{
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
            { type: 'text', text: 'What is this?' },
          ],
        }],
      });
      assert.match(text(message), /image/i);
    });

    await t.test('streamed', async () => {
      const message = await streamed({ ...base, messages: ask('Stream ä 漢 🙂 please') });
      assert.ok(text(message).includes('漢 🙂'), text(message));
      assert.equal(message.stop_reason, 'end_turn');
      assert.ok(message.usage.input_tokens > 0 && message.usage.output_tokens > 0, JSON.stringify(message.usage));
    });

    await t.test('tools, there and back', async () => {
      const request = { ...base, model: `${via}/sim-tools`, tools: [tool(weather)] };
      const messages = ask('What is the weather? Use get_weather.');
      for (const first of [await client.messages.create({ ...request, messages }), await streamed({ ...request, messages })]) {
        assert.equal(first.stop_reason, 'tool_use');
        const [call, ...more] = calls(first);
        assert.equal(more.length, 0);
        assert.equal(call.name, 'get_weather');
        checkWeather(call.input);
        const second = await client.messages.create({
          ...request,
          messages: [
            ...messages,
            { role: 'assistant', content: first.content },
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: '18 degrees' }] },
          ],
        });
        assert.equal(second.stop_reason, 'end_turn');
        assert.match(text(second), /18 degrees/);
      }
    });

    await t.test('tool choice', { skip: !can(via, 'be made to call a tool') && 'it cannot be said there' }, async () => {
      const message = await client.messages.create({
        ...base, messages: ask('Say something'), tools: [tool(weather), tool(clock)], tool_choice: { type: 'tool', name: 'get_time' },
      });
      assert.deepEqual(calls(message).map((c) => c.name), ['get_time']);
    });

    await t.test('parallel tools', async () => {
      const request = { ...base, model: `${via}/sim-tools`, tools: [tool(weather), tool(clock)] };
      const messages = ask('Use get_weather and get_time, please.');
      for (const first of [await client.messages.create({ ...request, messages }), await streamed({ ...request, messages })]) {
        assert.deepEqual(calls(first).map((c) => c.name).sort(), ['get_time', 'get_weather']);
        assert.equal(new Set(calls(first).map((c) => c.id)).size, 2);
        const second = await client.messages.create({
          ...request,
          messages: [
            ...messages,
            { role: 'assistant', content: first.content },
            {
              role: 'user',
              content: calls(first).map((c) => ({ type: 'tool_result', tool_use_id: c.id, content: [{ type: 'text', text: `result of ${c.name}` }] })),
            },
          ],
        });
        assert.match(text(second), /result of get_weather/);
        assert.match(text(second), /result of get_time/);
      }
    });

    await t.test('a tool that failed', async () => {
      const request = { ...base, model: `${via}/sim-tools`, tools: [tool(weather)] };
      const messages = ask('What is the weather? Use get_weather.');
      const first = await client.messages.create({ ...request, messages });
      const second = await client.messages.create({
        ...request,
        messages: [
          ...messages,
          { role: 'assistant', content: first.content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: calls(first)[0].id, content: 'no such city', is_error: true }] },
        ],
      });
      assert.match(text(second), /no such city/);
    });

    await t.test('tool runner', async () => {
      const called = [];
      const final = await client.beta.messages.toolRunner({
        ...base,
        model: `${via}/sim-tools`,
        messages: ask('What is the weather? Use get_weather.'),
        tools: [{ ...tool(weather), parse: (input) => input, run: (input) => { called.push(input); return 'rain all day'; } }],
      });
      assert.match(text(final), /rain all day/);
      assert.equal(called.length, 1);
      checkWeather(called[0]);
    });

    await t.test('structured output', async () => {
      const request = { ...base, messages: ask('Describe a person'), output_config: { format: { type: 'json_schema', schema: person } } };
      checkPerson(text(await client.messages.create(request)));
      checkPerson(text(await streamed(request)));
    });

    await t.test('thinking, and on with its signature', async () => {
      const request = {
        ...base, model: `${via}/sim-think`, max_tokens: 4000, tools: [tool(weather)], thinking: { type: 'enabled', budget_tokens: 1024 },
      };
      const messages = ask('Think about get_weather, then use it.');
      for (const first of [await client.messages.create({ ...request, messages }), await streamed({ ...request, messages })]) {
        // A thought that an upstream keeps to itself is there all the same, sealed.
        const sealed = via === 'sim-resp' && first.content[0].type === 'redacted_thinking';
        assert.ok(sealed || first.content[0].type === 'thinking', JSON.stringify(first.content));
        if (!sealed) {
          assert.ok(first.content[0].thinking.length > 0);
          assert.equal(typeof first.content[0].signature, 'string');
        }
        if (via === 'sim-msg') assert.ok(first.content[0].signature.length > 0, 'the signature is gone');
        const [call] = calls(first);
        assert.ok(call, 'no tool call');
        const turns = (content) => [
          ...messages,
          { role: 'assistant', content },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'fog' }] },
        ];
        const second = await client.messages.create({ ...request, messages: turns(first.content) });
        assert.match(text(second), /fog/);

        if (via === 'sim-msg') {
          // The judge is awake: what was tampered with is refused.
          const tampered = first.content.map((b) => (b.type === 'thinking' ? { ...b, thinking: `${b.thinking}!` } : b));
          await rejected(client.messages.create({ ...request, messages: turns(tampered) }), Anthropic.BadRequestError);
        }
      }
    });

    await t.test('limits', async () => {
      const cut = await client.messages.create({ ...base, model: `${via}/sim-long`, max_tokens: 5, messages: ask('At length') });
      assert.equal(cut.stop_reason, 'max_tokens');
      assert.ok(cut.usage.output_tokens <= (can(via, 'stop before 16 tokens') ? 5 : 16), `${cut.usage.output_tokens} tokens`);
    });

    await t.test('refusal', { skip: !can(via, 'say that it refuses') && 'it cannot be said there' }, async () => {
      const message = await client.messages.create({ ...base, model: `${via}/sim-refusal`, messages: ask('Something bad') });
      assert.equal(message.stop_reason, 'refusal');
    });

    await t.test('faults before the answer', async (t) => {
      const create = (model, stream) => client.messages.create({ ...base, model: `${via}/${model}`, messages: ask('Fail'), stream });
      const table = [
        ['sim-429', Anthropic.RateLimitError, [429], 'rate_limit_error'],
        ['sim-overloaded', Anthropic.InternalServerError, [503, 529], 'overloaded_error'],
        ['sim-500', Anthropic.InternalServerError, [500, 502], 'api_error'],
        ['sim-503', Anthropic.InternalServerError, [503, 529], null],
        ['sim-context', Anthropic.BadRequestError, [400], 'invalid_request_error'],
        ['sim-garbage', Anthropic.InternalServerError, [502], 'api_error'],
        ['sim-unheard-of', Anthropic.NotFoundError, [404], 'not_found_error'],
      ];
      for (const [model, type, statuses, word] of table) {
        for (const stream of [false, true]) {
          await t.test(`${model}${stream ? ', streamed' : ''}`, async () => {
            const error = await rejected(create(model, stream), type);
            assert.ok(statuses.includes(error.status), `status ${error.status}`);
            assert.equal(error.error?.type, 'error', 'not in the shape of the dialect');
            if (word) assert.equal(error.error.error.type, word);
            assert.ok(error.requestID, 'no request id');
            if (model === 'sim-429' && can(via, 'say when to come back')) assert.equal(error.headers.get('retry-after'), '1');
          });
        }
      }
      await t.test('credential of ours', async () => {
        const error = await rejected(create('sim-auth', false), Anthropic.APIError);
        assert.equal(error.headers.get('x-weir-fault'), 'upstream_auth');
      });
    });

    await t.test('faults within the answer', async (t) => {
      for (const model of ['sim-cut', 'sim-error-in-stream', 'sim-error-first', 'sim-stall']) {
        const request = { ...base, model: `${via}/${model}`, messages: ask('Break') };
        await t.test(model, async () => {
          const read = async () => {
            const events = [];
            for await (const event of await client.messages.create({ ...request, stream: true })) events.push(event.type);
            return events;
          };
          await rejected(read(), Anthropic.AnthropicError);
        });
        await t.test(`${model}, stream helper`, async () => {
          await rejected(client.messages.stream(request).finalMessage(), Anthropic.AnthropicError);
        });
      }
      await t.test('cut in a whole answer', async () => {
        await rejected(client.messages.create({ ...base, model: `${via}/sim-cut`, messages: ask('Break') }), Error);
      });
    });

    await t.test('the client leaves in mid-stream', async () => {
      const stream = client.messages.stream({ ...base, model: `${via}/sim-long`, messages: ask('Talk on') });
      let n = 0;
      const read = async () => {
        for await (const event of stream) {
          if (event.type === 'content_block_delta' && ++n === 3) stream.abort();
          assert.ok(n < 1000, 'the stream went on after the abort');
        }
      };
      await rejected(read(), Anthropic.APIUserAbortError);
      await nothingOpen();
    });

    await t.test('the client leaves before the answer', async () => {
      const controller = new AbortController();
      const promise = client.messages.create({ ...base, model: `${via}/sim-hang`, messages: ask('Hang') }, { signal: controller.signal });
      setTimeout(() => controller.abort(), 200);
      await rejected(promise, Anthropic.APIUserAbortError);
      await nothingOpen();
    });
  });
}

test('anthropic: same dialect, same body', async () => {
  const body = '{"max_tokens":100,"messages":[{"role":"user","content":[ {"type":"text","text":"Byte for byte 3b7d",\n"cache_control":{"type":"ephemeral"}}]}],"model":"sim-msg/sim-1","temperature":0.70}';
  const response = await fetch(`${base}/v1/messages`, {
    method: 'POST', headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' }, body,
  });
  assert.equal(response.status, 200, await response.text());
  assert.deepEqual(await sent('Byte for byte 3b7d'), [body.replace('"sim-msg/sim-1"', '"sim-1"')]);
});

test('anthropic: what is lost is named', async () => {
  const { response } = await client.messages
    .create({ model: 'sim-chat/sim-1', max_tokens: 100, top_k: 5, messages: ask('Hello') })
    .withResponse();
  const lost = response.headers.get('x-weir-lost').split(', ');
  assert.deepEqual(lost.filter((path) => !path.startsWith('answer.')), ['top_k']);
  // The simulated provider states details of usage that are all zero: saying nothing of them loses nothing.
  assert.deepEqual(lost.filter((path) => path.startsWith('answer.usage.')), []);
});

test('anthropic: models', async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.ok(ids.includes('chat-plain') && ids.includes('msg-plain'), ids.join(' '));
  const one = await client.models.retrieve('msg-plain');
  assert.equal(one.type, 'model');
  assert.equal(one.id, 'msg-plain');
  await rejected(client.models.retrieve('unheard-of'), Anthropic.NotFoundError);
});

test('anthropic: refused at the door', async (t) => {
  const create = (from, model = 'msg-plain', more = {}) => from.messages.create({ model, max_tokens: 100, messages: ask('Hello'), ...more });
  await t.test('wrong key', async () => {
    const error = await rejected(create(anthropic({ apiKey: 'wr-wrong-0123456789abcdef' })), Anthropic.AuthenticationError);
    assert.equal(error.error.error.type, 'authentication_error');
    assert.ok(!error.message.includes('0123456789abcdef'), 'the message repeats the key');
  });
  await t.test('unknown model', async () => {
    const error = await rejected(create(client, 'unheard-of'), Anthropic.NotFoundError);
    assert.equal(error.error.error.type, 'not_found_error');
  });
  await t.test('model the key may not use', async () => {
    await rejected(create(anthropic({ apiKey: process.env.WEIR_NARROW_KEY }), 'sim-msg/sim-1'), Anthropic.PermissionDeniedError);
  });
  await t.test('malformed', async () => {
    await rejected(create(client, 'msg-plain', { messages: 'none' }), Anthropic.BadRequestError);
  });
  await t.test('unknown path', async () => {
    const error = await rejected(client.get('/v1/unheard/of'), Anthropic.NotFoundError);
    assert.ok(error.error, 'the answer is not JSON');
  });
});
