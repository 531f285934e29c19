// Errors as clients meet them: whichever language a provider fails in, whole or within a stream, the official SDK of the
// client's language raises its own class for what went wrong, with the provider's words. The failures of errors-cases.mjs
// are written by hand; those recorded, and those reported in public, are read from the folder WEIR_RECORDINGS, which is no
// part of the project. Of what was recorded, the SDK of the provider's own language makes what it makes of it without a
// gateway.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import Anthropic, * as anthropic from '@anthropic-ai/sdk';
import * as aws from '@aws-sdk/client-bedrock-runtime';
import { ApiError, GoogleGenAI } from '@google/genai';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { Cohere, CohereClientV2, CohereError } from 'cohere-ai';
import { Ollama } from 'ollama';
import OpenAI, * as openai from 'openai';
import { broken, failures } from './errors-cases.mjs';
import { recorded, reported } from './errors-recorded.mjs';
import { key, languages, start } from './recordings-stage.mjs';

const types = { ...Object.fromEntries(Object.keys(languages).map((l) => [l, 'text/event-stream'])), converse: 'application/vnd.amazon.eventstream', ollama: 'application/x-ndjson' };

/** Every failure by the name of the model that meets it: {language, what, kind, status, told, words, body, headers}. */
const cases = new Map();
const add = (language, c) => cases.set(`case-${cases.size}`, { language, headers: {}, ...c });
for (const [language, all] of Object.entries(failures)) {
  for (const [what, kind, status, told, words, body, headers, type] of all) {
    add(language, { what, kind, status, told, words, body: body(words), headers: { 'content-type': 'application/json', ...headers }, type });
  }
}
for (const [language, all] of Object.entries(broken)) {
  for (const c of all) add(language, { ...c, inStream: true, status: 200, headers: { 'content-type': types[language] } });
}

if (process.env.WEIR_RECORDINGS) {
  for (const c of [...await reported(process.env.WEIR_RECORDINGS), ...await recorded(process.env.WEIR_RECORDINGS)]) add(c.language, c);
}

/** A provider of every language: the model that is asked for says how it fails. */
async function player() {
  const server = createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    const at = new URL(req.url, 'http://player').pathname;
    const model = JSON.parse(Buffer.concat(chunks)).model ?? Object.values(languages).map(({ named }) => named?.exec(at)?.[1]).find(Boolean);
    const c = cases.get(model);
    if (!c) {
      res.writeHead(418).end(`nobody fails like ${model} at ${at}`);
      return;
    }
    res.writeHead(c.status, c.headers).end(c.body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}

const classOf = (sdk, status) => ({
  ...(sdk === anthropic && { 402: sdk.PaymentRequiredError, 413: sdk.ContentTooLargeError, 501: sdk.NotImplementedError, 503: sdk.ServiceUnavailableError, 504: sdk.GatewayTimeoutError, 529: sdk.OverloadedError }),
  400: sdk.BadRequestError, 401: sdk.AuthenticationError, 403: sdk.PermissionDeniedError, 404: sdk.NotFoundError, 409: sdk.ConflictError,
  422: sdk.UnprocessableEntityError, 429: sdk.RateLimitError,
}[status] ?? (status >= 500 ? sdk.InternalServerError : sdk.APIError));

const awsNames = {
  malformed: 'ValidationException', context_length: 'ValidationException', content_policy: 'ValidationException', too_large: 'ValidationException',
  upstream_auth: 'AccessDeniedException', not_found: 'ResourceNotFoundException', timeout: 'ModelTimeoutException', rate_limit: 'ThrottlingException',
  quota: 'ServiceQuotaExceededException', overloaded: 'ServiceUnavailableException', upstream: 'ModelErrorException',
};
const awsStreamNames = { malformed: 'ValidationException', rate_limit: 'ThrottlingException', overloaded: 'ServiceUnavailableException', upstream: 'ModelStreamErrorException' };
const cohereClasses = {
  400: Cohere.BadRequestError, 401: Cohere.UnauthorizedError, 403: Cohere.ForbiddenError, 404: Cohere.NotFoundError, 422: Cohere.UnprocessableEntityError,
  429: Cohere.TooManyRequestsError, 498: Cohere.InvalidTokenError, 500: Cohere.InternalServerError, 501: Cohere.NotImplementedError, 503: Cohere.ServiceUnavailableError, 504: Cohere.GatewayTimeoutError,
};

const messages = [{ role: 'user', content: 'Well?' }];

/** Reads a stream to its end and returns nothing: what it said is put into heard. */
async function drain(stream, heard, text) {
  for await (const e of stream) heard.text += text(e) ?? '';
}

/** The SDKs: how each asks, and how its own error for a case looks: status, and the class or name for it. */
function sdks(url) {
  const oai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
  const ant = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
  const gem = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url } });
  const bed = new aws.BedrockRuntimeClient({ region: 'us-east-1', endpoint: url, token: { token: key }, authSchemePreference: ['httpBearerAuth'], maxAttempts: 1, requestHandler: new NodeHttpHandler() });
  const coh = new CohereClientV2({ token: key, environment: url });
  const oll = new Ollama({ host: url, headers: { Authorization: `Bearer ${key}` } });
  after(() => bed.destroy());
  const whole = (sdk) => (error, given, c, passed) => {
    const status = sdk === anthropic && c.kind === 'overloaded' && !passed ? 529 : given;
    assert.equal(error.constructor, classOf(sdk, status), `${error.constructor.name}: ${error.message}`);
    assert.equal(error.status, status);
    return error.message;
  };
  const within = (sdk) => (error) => {
    assert.equal(error.constructor, sdk.APIError, `${error.constructor.name}: ${error.message}`);
    return error.message || JSON.stringify(error.error);
  };
  const of = (sdk) => ({ whole: whole(sdk), within: within(sdk) });
  return {
    chat: { ...of(openai), ask: async (model, stream, heard) => {
      const r = await oai.chat.completions.create({ model, messages, stream });
      if (stream) await drain(r, heard, (e) => e.choices[0]?.delta.content);
    } },
    completions: { ...of(openai), ask: async (model, stream, heard) => {
      const r = await oai.completions.create({ model, prompt: 'Well?', stream });
      if (stream) await drain(r, heard, (e) => e.choices[0]?.text);
    } },
    responses: { ...of(openai), ask: async (model, stream, heard) => {
      const r = await oai.responses.create({ model, input: 'Well?', store: false, stream });
      if (!stream) return;
      let failed;
      await drain(r, heard, (e) => {
        if (e.type === 'response.failed') failed = e.response.error;
        return e.type === 'response.output_text.delta' ? e.delta : '';
      });
      // A failed response is no exception to this SDK: its caller asks.
      if (failed) throw new openai.APIError(undefined, failed, failed.message, new Headers());
    } },
    messages: { ...of(anthropic), ask: async (model, stream, heard) => {
      const r = await ant.messages.create({ model, max_tokens: 64, messages, stream });
      if (stream) await drain(r, heard, (e) => e.delta?.text);
    } },
    gemini: {
      whole: (error, status) => {
        assert.ok(error instanceof ApiError, `${error.constructor.name}: ${error.message}`);
        assert.equal(error.status, status);
        return error.message;
      },
      within: (error) => {
        assert.ok(error instanceof ApiError, `${error.constructor.name}: ${error.message}`);
        return error.message;
      },
      ask: async (model, stream, heard) => {
        if (stream) await drain(await gem.models.generateContentStream({ model, contents: 'Well?' }), heard, (e) => e.text);
        else await gem.models.generateContent({ model, contents: 'Well?' });
      },
    },
    converse: {
      whole: (error, status, c, passed) => {
        const name = passed ? c.type : awsNames[c.kind];
        assert.equal(error.name, name, error.message);
        if (aws[name]) assert.ok(error instanceof aws[name]);
        assert.equal(error.$metadata.httpStatusCode, status);
        return error.message;
      },
      within: (error, c, passed) => {
        // What the stream's model has no exception for comes as an error by its name alone.
        if (!awsStreamNames[c.kind]) assert.equal(error.name, awsNames[c.kind], error.message);
        else assert.ok(error instanceof (passed && c.what === 'internal' ? aws.InternalServerException : aws[awsStreamNames[c.kind]]), `${error.name}: ${error.message}`);
        return error.message;
      },
      ask: async (modelId, stream, heard) => {
        const request = { modelId, messages: [{ role: 'user', content: [{ text: 'Well?' }] }] };
        if (stream) await drain((await bed.send(new aws.ConverseStreamCommand(request))).stream, heard, (e) => e.contentBlockDelta?.delta.text);
        else await bed.send(new aws.ConverseCommand(request));
      },
    },
    cohere: {
      whole: (error, status) => {
        assert.equal(error.constructor, cohereClasses[status] ?? CohereError, `${error.constructor.name}: ${error.message}`);
        assert.equal(error.statusCode, status);
        return error.body?.message ?? error.body?.error?.message ?? JSON.stringify(error.body);
      },
      within: (error) => {
        assert.equal(error.finishReason, 'ERROR');
        return error.error;
      },
      ask: async (model, stream, heard) => {
        if (!stream) {
          await coh.chat({ model, messages }, { maxRetries: 0 });
          return;
        }
        let failed;
        await drain(await coh.chatStream({ model, messages }, { maxRetries: 0 }), heard, (e) => {
          if (e.type === 'message-end') failed = e.delta;
          return e.type === 'content-delta' ? e.delta.message.content.text : '';
        });
        // Nor is an end for an ERROR an exception to this one.
        if (failed?.finishReason === 'ERROR') throw failed;
      },
    },
    ollama: {
      whole: (error, status) => {
        assert.equal(error.name, 'ResponseError', error.message);
        assert.equal(error.status_code, status);
        return error.message;
      },
      within: (error) => error.message,
      ask: async (model, stream, heard) => {
        const r = await oll.chat({ model, messages, stream });
        if (stream) await drain(r, heard, (e) => e.message.content);
      },
    },
  };
}

async function thrown(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  return assert.fail('no error was raised');
}

test('errors', async (t) => {
  let gateway;
  let provider;
  before(async () => {
    assert.ok(process.env.WEIR_BIN, 'WEIR_BIN is not set: run these tests with `make e2e`');
    const played = [...cases.values()].filter((c) => c.played).length;
    console.log(`${cases.size} failures, ${played} of them recorded, told to ${Object.keys(languages).length} SDKs`);
    assert.ok(!process.env.WEIR_RECORDINGS || played > 100, 'the recorded failures are missing');
    provider = await player();
    gateway = await start(resolve(process.env.WEIR_BIN), provider.url, Object.keys(languages));
  });
  after(async () => {
    await gateway?.close();
    provider?.close();
  });
  for (const client of Object.keys(languages)) {
    await t.test(`to ${client}`, async (t) => {
      const sdk = sdks(gateway.url)[client];
      const direct = sdks(provider.url)[client];
      for (const upstream of Object.keys(languages)) {
        await t.test(`from ${upstream}`, async () => {
          const wrong = [];
          let tried = 0;
          for (const [model, c] of [...cases].filter(([, c]) => c.language === upstream)) {
            for (const stream of c.inStream ? [true] : [false, true]) {
              tried++;
              const note = (error) => wrong.push(`${c.what}${stream ? ', streamed' : ''}: ${error.message}`);
              if (c.played && client === upstream) await same(sdk, direct, model, stream, c).catch(note);
              else await check(sdk, client, `${upstream}/${model}`, stream, c).catch(note);
            }
          }
          assert.ok(tried > 0);
          assert.equal(wrong.length, 0, `${wrong.length} of ${tried}:\n${wrong.join('\n')}`);
        });
      }
    });
  }
});

/** One failure through the gateway: its class, its status, its words, and what was said before it. */
async function check(sdk, client, model, stream, c) {
  const heard = { text: '' };
  const error = await thrown(sdk.ask(model, stream, heard));
  const passed = client === c.language;
  let words;
  if (!c.inStream) words = sdk.whole(error, passed ? c.status : c.told, c, passed);
  else if (c.early && !passed) words = sdk.whole(error, c.told, c, false);
  else words = sdk.within(error, c, passed);
  if (c.inStream && !c.early) assert.equal(heard.text, 'Half');
  const unescaped = words.replaceAll('\\"', '"').replaceAll('\\\\', '\\');
  assert.ok(words.includes(c.words) || unescaped.includes(c.words), `the words are ${words}, not ${c.words}`);
}

/** One failure as the SDK of its own language meets it, through the gateway and without it: no difference. */
async function same(sdk, direct, model, stream, c) {
  const [said, got] = [{ text: '' }, { text: '' }];
  const plain = await thrown(direct.ask(model, stream, said));
  const error = await thrown(sdk.ask(`${c.language}/${model}`, stream, got));
  const looks = (e) => ({ of: e.constructor.name, name: e.name, status: e.status ?? e.statusCode ?? e.status_code ?? e.$metadata?.httpStatusCode, message: e.message, body: e.error ?? e.body });
  assert.deepEqual(looks(error), looks(plain));
  assert.equal(error.constructor, plain.constructor);
  assert.equal(got.text, said.text);
}
