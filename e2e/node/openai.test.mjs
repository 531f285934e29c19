// The OpenAI SDK against both upstream dialects: what it documents must hold, whichever way the request went.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import {
  base, can, checkPerson, checkWeather, clock, key, nothingOpen, openai, person, rejected, sent, upstreams, weather,
} from './weir.mjs';

const client = openai();
const tool = ({ name, description, schema }) => ({ type: 'function', function: { name, description, parameters: schema } });
const ask = (text) => [{ role: 'user', content: text }];

for (const via of upstreams) {
  test(`openai via ${via}`, async (t) => {
    await t.test('plain', async () => {
      const { data, response } = await client.chat.completions
        .create({ model: `${via}/sim-1`, messages: [{ role: 'system', content: 'Be brief.' }, ...ask('A plain question')] })
        .withResponse();
      assert.equal(data.object, 'chat.completion');
      assert.equal(data.choices.length, 1);
      assert.equal(data.choices[0].message.role, 'assistant');
      assert.match(data.choices[0].message.content, /plain question/i);
      assert.equal(data.choices[0].finish_reason, 'stop');
      assert.ok(data.usage.prompt_tokens > 0 && data.usage.completion_tokens > 0);
      assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
      assert.match(response.headers.get('x-weir-id'), /^[0-9a-f-]{36}$/);
      assert.equal(response.headers.get('x-weir-target'), `${via}/sim-1`);
    });

    const declared = { 'sim-chat': 'chat-plain', 'sim-msg': 'msg-plain' }[via];
    await t.test('declared model', { skip: !declared && 'none is declared there' }, async () => {
      const model = declared;
      const answer = await client.chat.completions.create({ model, messages: ask('By its name') });
      assert.ok(answer.choices[0].message.content.length > 0);
    });

    await t.test('several turns and letters of many bytes', async () => {
      const text = 'Größe, 漢字 and 🙂🏽 in one line';
      const answer = await client.chat.completions.create({
        model: `${via}/sim-1`,
        messages: [...ask('First'), { role: 'assistant', content: 'Second' }, ...ask(text)],
      });
      assert.ok(answer.choices[0].message.content.includes('🙂🏽'), answer.choices[0].message.content);
    });

    await t.test('image', async () => {
      const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
      const answer = await client.chat.completions.create({
        model: `${via}/sim-1`,
        messages: [{
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${png}` } },
          ],
        }],
      });
      assert.match(answer.choices[0].message.content, /image/i);
    });

    await t.test('streamed', async () => {
      const text = 'Stream ä 漢 🙂 please';
      const stream = await client.chat.completions.create({
        model: `${via}/sim-1`, messages: ask(text), stream: true, stream_options: { include_usage: true },
      });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      const content = chunks.map((c) => c.choices[0]?.delta?.content ?? '').join('');
      assert.ok(content.includes('漢 🙂'), content);
      assert.equal(new Set(chunks.map((c) => c.id)).size, 1, 'one id over the whole stream');
      assert.equal(chunks[0].choices[0].delta.role, 'assistant');
      assert.deepEqual(chunks.map((c) => c.choices[0]?.finish_reason).filter(Boolean), ['stop']);
      const usage = chunks.filter((c) => c.usage);
      assert.equal(usage.length, 1, 'usage comes once');
      assert.deepEqual(usage[0].choices, []);
      assert.equal(usage[0], chunks.at(-1));
    });

    await t.test('no usage chunk unless asked for', async () => {
      const stream = await client.chat.completions.create({ model: `${via}/sim-1`, messages: ask('Hello'), stream: true });
      for await (const chunk of stream) {
        assert.equal(chunk.usage ?? null, null);
        assert.equal(chunk.choices.length, 1);
      }
    });

    await t.test('stream helper', async () => {
      const runner = client.chat.completions.stream({ model: `${via}/sim-1`, messages: ask('With the helper') });
      let content = '';
      runner.on('content', (delta) => { content += delta; });
      const final = await runner.finalChatCompletion();
      assert.equal(final.choices[0].message.content, content);
      assert.equal(final.choices[0].finish_reason, 'stop');
    });

    await t.test('tools, there and back', async () => {
      const messages = ask('What is the weather? Use get_weather.');
      const request = { model: `${via}/sim-tools`, tools: [tool(weather)] };
      const first = await client.chat.completions.create({ ...request, messages });
      const { message } = first.choices[0];
      assert.equal(first.choices[0].finish_reason, 'tool_calls');
      assert.equal(message.tool_calls.length, 1);
      assert.equal(message.tool_calls[0].function.name, 'get_weather');
      checkWeather(JSON.parse(message.tool_calls[0].function.arguments));

      const second = await client.chat.completions.create({
        ...request,
        messages: [...messages, message, { role: 'tool', tool_call_id: message.tool_calls[0].id, content: '18 degrees' }],
      });
      assert.equal(second.choices[0].finish_reason, 'stop');
      assert.match(second.choices[0].message.content, /18 degrees/);
    });

    await t.test('tool choice', { skip: !can(via, 'be made to call a tool') && 'it cannot be said there' }, async () => {
      const answer = await client.chat.completions.create({
        model: `${via}/sim-1`,
        messages: ask('Say something'),
        tools: [tool(weather), tool(clock)],
        tool_choice: { type: 'function', function: { name: 'get_time' } },
      });
      assert.deepEqual(answer.choices[0].message.tool_calls.map((c) => c.function.name), ['get_time']);
    });

    await t.test('parallel tools, plain and through the stream helper', async () => {
      const request = {
        model: `${via}/sim-tools`,
        messages: ask('Use get_weather and get_time, please.'),
        tools: [tool(weather), tool(clock)],
      };
      const plain = (await client.chat.completions.create(request)).choices[0].message;
      const streamed = (await client.chat.completions.stream(request).finalChatCompletion()).choices[0].message;
      for (const message of [plain, streamed]) {
        assert.deepEqual(message.tool_calls.map((c) => c.function.name).sort(), ['get_time', 'get_weather']);
        assert.equal(new Set(message.tool_calls.map((c) => c.id)).size, 2);
        for (const call of message.tool_calls) JSON.parse(call.function.arguments);
      }

      const results = plain.tool_calls.map((c) => ({ role: 'tool', tool_call_id: c.id, content: `result of ${c.function.name}` }));
      const answer = await client.chat.completions.create({ ...request, messages: [...request.messages, plain, ...results] });
      assert.match(answer.choices[0].message.content, /result of get_weather/);
      assert.match(answer.choices[0].message.content, /result of get_time/);
    });

    for (const stream of [false, true]) {
      await t.test(`runTools, ${stream ? 'streamed' : 'plain'}`, async () => {
        const called = [];
        const runner = client.chat.completions.runTools({
          model: `${via}/sim-tools`,
          stream,
          messages: ask('What is the weather? Use get_weather.'),
          tools: [{
            type: 'function',
            function: {
              name: weather.name,
              description: weather.description,
              parameters: weather.schema,
              parse: JSON.parse,
              function: (args) => { called.push(args); return 'rain all day'; },
            },
          }],
        });
        assert.match(await runner.finalContent(), /rain all day/);
        assert.equal(called.length, 1);
        checkWeather(called[0]);
      });
    }

    await t.test('structured output', async () => {
      const request = {
        model: `${via}/sim-1`,
        messages: ask('Describe a person'),
        response_format: { type: 'json_schema', json_schema: { name: 'person', schema: person, strict: true } },
      };
      checkPerson((await client.chat.completions.create(request)).choices[0].message.content);
      checkPerson((await client.chat.completions.stream(request).finalChatCompletion()).choices[0].message.content);
    });

    await t.test('thinking', async () => {
      const request = { model: `${via}/sim-think`, messages: ask('Think about get_weather, then use it.'), reasoning_effort: 'low', tools: [tool(weather)] };
      const { message } = (await client.chat.completions.create(request)).choices[0];
      const aloud = can(via, 'think aloud unasked');
      if (aloud) assert.ok(message.reasoning_content?.length > 0, 'reasoning_content is empty');

      const chunks = [];
      for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) chunks.push(chunk);
      if (aloud) assert.ok(chunks.map((c) => c.choices[0]?.delta?.reasoning_content ?? '').join('').length > 0, 'no reasoning_content in the stream');

      // The turn goes on although the signature, if there was one, cannot be carried here.
      assert.equal(message.tool_calls?.length, 1, 'no tool call');
      const next = await client.chat.completions.create({
        ...request,
        messages: [...request.messages, message, { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'fog' }],
      });
      assert.match(next.choices[0].message.content, /fog/);
    });

    await t.test('limits', async () => {
      const cut = await client.chat.completions.create({ model: `${via}/sim-long`, messages: ask('At length'), max_tokens: 5 });
      assert.equal(cut.choices[0].finish_reason, 'length');
      const least = can(via, 'stop before 16 tokens') ? 5 : 16;
      assert.ok(cut.usage.completion_tokens <= least, `${cut.usage.completion_tokens} tokens`);
    });

    await t.test('refusal', async () => {
      const answer = await client.chat.completions.create({ model: `${via}/sim-refusal`, messages: ask('Something bad') });
      const { message, finish_reason: reason } = answer.choices[0];
      const says = reason === 'content_filter' || message.refusal;
      assert.ok(says || !can(via, 'say that it refuses'), JSON.stringify(answer.choices[0]));
    });

    await t.test('faults before the answer', async (t) => {
      const create = (model, stream) => client.chat.completions.create({ model: `${via}/${model}`, messages: ask('Fail'), stream });
      const table = [
        ['sim-429', OpenAI.RateLimitError, [429]],
        ['sim-overloaded', OpenAI.InternalServerError, [503, 529]],
        ['sim-500', OpenAI.InternalServerError, [500, 502]],
        ['sim-503', OpenAI.InternalServerError, [503]],
        ['sim-context', OpenAI.BadRequestError, [400]],
        ['sim-garbage', OpenAI.InternalServerError, [502]],
        ['sim-unheard-of', OpenAI.NotFoundError, [404]],
      ];
      for (const [model, type, statuses] of table) {
        for (const stream of [false, true]) {
          await t.test(`${model}${stream ? ', streamed' : ''}`, async () => {
            const error = await rejected(create(model, stream), type);
            assert.ok(statuses.includes(error.status), `status ${error.status}`);
            assert.equal(typeof error.error?.message, 'string', 'the error has no message in the shape of the dialect');
            assert.ok(error.requestID, 'no request id');
            if (model === 'sim-429' && can(via, 'say when to come back')) assert.equal(error.headers.get('retry-after'), '1');
          });
        }
      }
      await t.test('credential of ours', async () => {
        const error = await rejected(create('sim-auth', false), OpenAI.APIError);
        assert.equal(error.headers.get('x-weir-fault'), 'upstream_auth');
      });
    });

    await t.test('faults within the answer', async (t) => {
      for (const model of ['sim-cut', 'sim-error-in-stream', 'sim-error-first', 'sim-stall']) {
        await t.test(model, async () => {
          const read = async () => {
            let content = '';
            for await (const chunk of await client.chat.completions.create({ model: `${via}/${model}`, messages: ask('Break'), stream: true })) {
              content += chunk.choices[0]?.delta?.content ?? '';
            }
            return content;
          };
          await rejected(read(), OpenAI.APIError);
        });
        await t.test(`${model}, stream helper`, async () => {
          const runner = client.chat.completions.stream({ model: `${via}/${model}`, messages: ask('Break') });
          await rejected(runner.finalChatCompletion(), OpenAI.OpenAIError);
        });
      }
      await t.test('cut in a whole answer', async () => {
        await rejected(client.chat.completions.create({ model: `${via}/sim-cut`, messages: ask('Break') }), Error);
      });
    });

    await t.test('the client leaves in mid-stream', async () => {
      const stream = await client.chat.completions.create({ model: `${via}/sim-long`, messages: ask('Talk on'), stream: true });
      let n = 0;
      for await (const _ of stream) {
        if (++n === 3) stream.controller.abort();
        assert.ok(n < 1000, 'the stream went on after the abort');
      }
      await nothingOpen();
    });

    await t.test('the client leaves before the answer', async () => {
      const controller = new AbortController();
      const promise = client.chat.completions.create({ model: `${via}/sim-hang`, messages: ask('Hang') }, { signal: controller.signal });
      setTimeout(() => controller.abort(), 200);
      await rejected(promise, OpenAI.APIUserAbortError);
      await nothingOpen();
    });
  });
}

test('openai: same dialect, same body', async () => {
  const text = '{ "messages":[{"role":"user","content":"Byte for byte 8f1c \\u00e4"}],\n"seed":12345678901234567,"temperature":7.0e-1, "model":"sim-chat/sim-1" }';
  const response = await fetch(`${base}/v1/chat/completions`, {
    method: 'POST', headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' }, body: text,
  });
  assert.equal(response.status, 200, await response.text());
  assert.deepEqual(await sent('Byte for byte 8f1c'), [text.replace('"sim-chat/sim-1"', '"sim-1"')]);
});

test('openai: embeddings', async () => {
  const input = ['one text', 'another text'];
  // The SDK asks for base64 and decodes it.
  const decoded = await client.embeddings.create({ model: 'sim-chat/sim-embed', input });
  const floats = await client.embeddings.create({ model: 'sim-chat/sim-embed', input, encoding_format: 'float' });
  assert.equal(decoded.data.length, 2);
  for (const n of [0, 1]) {
    assert.equal(decoded.data[n].embedding.length, floats.data[n].embedding.length);
    for (const [i, value] of decoded.data[n].embedding.entries()) {
      assert.ok(Math.abs(value - floats.data[n].embedding[i]) < 1e-6);
    }
  }
  assert.ok(decoded.usage.prompt_tokens > 0);
  const short = await client.embeddings.create({ model: 'sim-chat/sim-embed', input: 'one text', dimensions: 8 });
  assert.equal(short.data[0].embedding.length, 8);
});

test('openai: models', async () => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  assert.ok(ids.includes('chat-plain') && ids.includes('msg-plain'), ids.join(' '));
  const one = await client.models.retrieve('chat-plain');
  assert.equal(one.object, 'model');
  assert.equal(one.id, 'chat-plain');
  assert.equal((await rejected(client.models.retrieve('unheard-of'), OpenAI.NotFoundError)).status, 404);
});

test('openai: refused at the door', async (t) => {
  const create = (from, model = 'chat-plain') => from.chat.completions.create({ model, messages: ask('Hello') });
  await t.test('wrong key', async () => {
    const error = await rejected(create(openai({ apiKey: 'wr-wrong-0123456789abcdef' })), OpenAI.AuthenticationError);
    assert.equal(error.code, 'invalid_api_key');
    assert.ok(!error.message.includes('0123456789abcdef'), 'the message repeats the key');
  });
  await t.test('unknown model', async () => {
    const error = await rejected(create(client, 'unheard-of'), OpenAI.NotFoundError);
    assert.equal(error.code, 'model_not_found');
  });
  await t.test('model the key may not use', async () => {
    await rejected(create(openai({ apiKey: process.env.WEIR_NARROW_KEY }), 'sim-chat/sim-1'), OpenAI.PermissionDeniedError);
  });
  await t.test('malformed', async () => {
    const error = await rejected(client.chat.completions.create({ model: 'chat-plain' }), OpenAI.BadRequestError);
    assert.equal(error.param, 'messages');
  });
  await t.test('unknown path', async () => {
    const error = await rejected(client.get('/unheard/of'), OpenAI.NotFoundError);
    assert.equal(typeof error.error.message, 'string');
  });
});
