// How providers fail, in each wire language: whole answers with an error status, and streams that break off with an error
// after their first words. Written by hand in the shapes that the providers document; told is the status a client of
// another language is to get, kind what went wrong in the gateway's words.
import { crc32 } from 'node:zlib';

const openai = (message, type, code = null, param = null) => JSON.stringify({ error: { message, type, param, code } });
const anthropic = (message, type) => JSON.stringify({ type: 'error', error: { type, message }, request_id: 'req_1' });
const google = (message, code, status, details) => JSON.stringify({ error: { code, message, status, details } });
const reason = (word) => [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: word, domain: 'googleapis.com' }];
const wait = { 'retry-after': '7' };

/** [what, kind, status, told, words, body, headers] */
const likeOpenAI = [
  ['bad request', 'malformed', 400, 400, 'Invalid type for temperature.', (m) => openai(m, 'invalid_request_error', 'invalid_type', 'temperature')],
  ['wrong key', 'upstream_auth', 401, 401, 'Incorrect API key provided.', (m) => openai(m, 'invalid_request_error', 'invalid_api_key')],
  ['not allowed', 'upstream_auth', 403, 403, 'You are not allowed to sample from this model', (m) => openai(m, 'invalid_request_error')],
  ['no such model', 'not_found', 404, 404, 'The model `nope` does not exist or you do not have access to it.', (m) => openai(m, 'invalid_request_error', 'model_not_found')],
  ['no such model, as 400', 'not_found', 400, 404, 'The requested model `nope` does not exist.', (m) => openai(m, 'invalid_request_error', 'model_not_found', 'model')],
  ['conflict', 'malformed', 409, 409, 'Another request changes this conversation.', (m) => openai(m, 'invalid_request_error', 'conflict')],
  ['unprocessable', 'malformed', 422, 422, 'Field required', (m) => JSON.stringify({ detail: [{ loc: ['body', 'x'], msg: m, type: 'missing' }] })],
  ['rate', 'rate_limit', 429, 429, 'Rate limit reached on requests per min.', (m) => openai(m, 'requests', 'rate_limit_exceeded'), wait],
  ['too large for a minute', 'too_large', 429, 413, 'Request too large for this model on tokens per min.', (m) => openai(m, 'tokens', 'rate_limit_exceeded')],
  ['quota', 'quota', 429, 429, 'You exceeded your current quota, please check your plan and billing details.', (m) => openai(m, 'insufficient_quota', 'insufficient_quota')],
  ['balance', 'quota', 402, 402, 'Insufficient Balance', (m) => openai(m, 'unknown_error', 'invalid_request_error')],
  ['their bug', 'upstream', 500, 500, 'The server had an error while processing your request.', (m) => openai(m, 'server_error')],
  ['overloaded', 'overloaded', 503, 503, 'That model is currently overloaded with other requests.', (m) => openai(m, 'server_error')],
  ['no capacity', 'overloaded', 429, 503, 'Service tier capacity exceeded for this model.', (m) => openai(m, 'invalid_request_error')],
  ['too late', 'timeout', 504, 504, 'The upstream request timed out.', (m) => openai(m, 'server_error')],
  ['too long', 'context_length', 400, 400, 'This model\'s maximum context length is 8192 tokens.', (m) => openai(m, 'invalid_request_error', 'context_length_exceeded', 'messages')],
  ['content', 'content_policy', 400, 400, 'The prompt was filtered by the content management policy.', (m) => openai(m, null, 'content_filter', 'prompt')],
];

export const failures = {
  chat: likeOpenAI,
  responses: likeOpenAI,
  completions: likeOpenAI,
  messages: [
    ['bad request', 'malformed', 400, 400, 'temperature: Input should be less than or equal to 1', (m) => anthropic(m, 'invalid_request_error')],
    ['wrong key', 'upstream_auth', 401, 401, 'invalid x-api-key', (m) => anthropic(m, 'authentication_error')],
    ['not allowed', 'upstream_auth', 403, 403, 'Your account may not use this model.', (m) => anthropic(m, 'permission_error')],
    ['no such model', 'not_found', 404, 404, 'model: nope', (m) => anthropic(m, 'not_found_error')],
    ['too large', 'too_large', 413, 413, 'Request exceeds the maximum size', (m) => anthropic(m, 'request_too_large')],
    ['rate', 'rate_limit', 429, 429, 'This request would exceed your account\'s rate limit.', (m) => anthropic(m, 'rate_limit_error'), wait],
    ['billing', 'quota', 402, 402, 'Your payment is due.', (m) => anthropic(m, 'billing_error')],
    ['credit', 'quota', 400, 429, 'Your credit balance is too low to access the API.', (m) => anthropic(m, 'invalid_request_error')],
    ['their bug', 'upstream', 500, 500, 'Internal server error', (m) => anthropic(m, 'api_error')],
    ['too late', 'timeout', 504, 504, 'The request timed out.', (m) => anthropic(m, 'timeout_error')],
    ['overloaded', 'overloaded', 529, 503, 'Overloaded', (m) => anthropic(m, 'overloaded_error')],
    ['too long', 'context_length', 400, 400, 'prompt is too long: 200001 tokens > 200000 maximum', (m) => anthropic(m, 'invalid_request_error')],
    ['content', 'content_policy', 400, 400, 'Output blocked by content filtering policy', (m) => anthropic(m, 'invalid_request_error')],
  ],
  gemini: [
    ['bad request', 'malformed', 400, 400, 'Please use a valid role: user, model.', (m) => google(m, 400, 'INVALID_ARGUMENT')],
    ['wrong key', 'upstream_auth', 400, 401, 'API key not valid. Please pass a valid API key.', (m) => google(m, 400, 'INVALID_ARGUMENT', reason('API_KEY_INVALID'))],
    ['no login', 'upstream_auth', 401, 401, 'Request had invalid authentication credentials.', (m) => google(m, 401, 'UNAUTHENTICATED')],
    ['not allowed', 'upstream_auth', 403, 403, 'The caller does not have permission', (m) => google(m, 403, 'PERMISSION_DENIED')],
    ['no such model', 'not_found', 404, 404, 'models/nope is not found for API version v1beta', (m) => google(m, 404, 'NOT_FOUND')],
    ['rate', 'rate_limit', 429, 429, 'Resource has been exhausted (e.g. check quota).', (m) => google(m, 429, 'RESOURCE_EXHAUSTED')],
    ['quota', 'quota', 429, 429, 'You exceeded your current quota, please check your plan and billing details.', (m) => google(m, 429, 'RESOURCE_EXHAUSTED')],
    ['their bug', 'upstream', 500, 500, 'An internal error has occurred.', (m) => google(m, 500, 'INTERNAL')],
    ['overloaded', 'overloaded', 503, 503, 'The model is overloaded. Please try again later.', (m) => google(m, 503, 'UNAVAILABLE')],
    ['too late', 'timeout', 504, 504, 'The request did not finish in time.', (m) => google(m, 504, 'DEADLINE_EXCEEDED')],
    ['too long', 'context_length', 400, 400, 'The input token count (9) exceeds the maximum number of tokens allowed (8).', (m) => google(m, 400, 'INVALID_ARGUMENT')],
  ],
  converse: [
    ['bad request', 'malformed', 400, 400, 'Malformed input request.', 'ValidationException'],
    ['no such model, as 400', 'not_found', 400, 404, 'The provided model identifier is invalid.', 'ValidationException'],
    ['not allowed', 'upstream_auth', 403, 403, 'You don\'t have access to the model with the specified model ID.', 'AccessDeniedException'],
    ['wrong key', 'upstream_auth', 403, 403, 'The security token included in the request is invalid.', 'UnrecognizedClientException'],
    ['no such thing', 'not_found', 404, 404, 'This model version has reached the end of its life.', 'ResourceNotFoundException'],
    ['rate', 'rate_limit', 429, 429, 'Too many requests, please wait before trying again.', 'ThrottlingException'],
    ['not ready', 'overloaded', 429, 503, 'The model is not ready for inference.', 'ModelNotReadyException'],
    ['quota', 'quota', 400, 429, 'The service quota is exceeded.', 'ServiceQuotaExceededException'],
    ['too late', 'timeout', 408, 504, 'The model took too long.', 'ModelTimeoutException'],
    ['the model failed', 'upstream', 424, 502, 'The model failed.', 'ModelErrorException'],
    ['their bug', 'upstream', 500, 500, 'The server failed.', 'InternalServerException'],
    ['overloaded', 'overloaded', 503, 503, 'The service is not available.', 'ServiceUnavailableException'],
    ['too long', 'context_length', 400, 400, 'Input is too long for requested model.', 'ValidationException'],
  ].map(([what, kind, status, told, words, type]) => [what, kind, status, told, words, (message) => JSON.stringify({ message }), { 'x-amzn-errortype': `${type}:http://internal.amazon.com/coral/com.amazon.bedrock/` }, type]),
  cohere: [
    ['bad request', 'malformed', 400, 400, 'invalid request: temperature is out of range', {}],
    ['wrong key', 'upstream_auth', 401, 401, 'invalid api token', {}],
    ['not allowed', 'upstream_auth', 403, 403, 'this team may not use this model', {}],
    ['no such model', 'not_found', 404, 404, 'model \'nope\' not found, make sure the correct model ID was used', {}],
    ['unprocessable', 'malformed', 422, 422, 'the tools cannot be used with this model', {}],
    ['rate', 'rate_limit', 429, 429, 'Please wait and try again later', {}],
    ['quota', 'quota', 429, 429, 'You are using a Trial key, which is limited to 1000 API calls / month.', {}],
    ['content', 'content_policy', 498, 400, 'a blocked token was met', {}],
    ['their bug', 'upstream', 500, 500, 'internal server error', {}],
    ['overloaded', 'overloaded', 503, 503, 'the service is not available', {}],
    ['too late', 'timeout', 504, 504, 'the request timed out', {}],
    ['too long', 'context_length', 400, 400, 'too many tokens: size limit exceeded by 9 tokens.', { error_type: 'TOO_MANY_TOKENS' }],
  ].map(([what, kind, status, told, words, more]) => [what, kind, status, told, words, (message) => JSON.stringify({ id: 'x', message, ...more })]),
  ollama: [
    ['bad request', 'malformed', 400, 400, 'json: cannot unmarshal string into a field of type float32'],
    ['wrong key', 'upstream_auth', 401, 401, 'unauthorized'],
    ['no such model', 'not_found', 404, 404, 'model \'nope\' not found'],
    ['rate', 'rate_limit', 429, 429, 'too many requests'],
    ['their bug', 'upstream', 500, 500, 'llama runner process has terminated'],
    ['overloaded', 'overloaded', 503, 503, 'server busy, please try again. maximum pending requests exceeded'],
    ['too long', 'context_length', 500, 400, 'the prompt exceeds the available context size'],
  ].map(([what, kind, status, told, words]) => [what, kind, status, told, words, (error) => JSON.stringify({ error })]),
};

const sse = (...events) => events.map((e) => `event: ${e.type}\ndata: ${JSON.stringify(e)}\n\n`).join('');
const data = (...events) => events.map((e) => `data: ${JSON.stringify(e)}\n\n`).join('');
const lines = (...objects) => objects.map((o) => `${JSON.stringify(o)}\n`).join('');

/** A message of AWS's event stream. */
function framed(headers, payload) {
  const head = Buffer.concat(Object.entries({ ...headers, ':content-type': 'application/json' }).map(([name, value]) => {
    const b = Buffer.alloc(4 + name.length + value.length);
    b.writeUInt8(name.length, 0);
    b.write(name, 1);
    b.writeUInt8(7, 1 + name.length);
    b.writeUInt16BE(value.length, 2 + name.length);
    b.write(value, 4 + name.length);
    return b;
  }));
  const body = Buffer.from(JSON.stringify(payload));
  const out = Buffer.alloc(16 + head.length + body.length);
  out.writeUInt32BE(out.length, 0);
  out.writeUInt32BE(head.length, 4);
  out.writeUInt32BE(crc32(out.subarray(0, 8)), 8);
  head.copy(out, 12);
  body.copy(out, 12 + head.length);
  out.writeUInt32BE(crc32(out.subarray(0, out.length - 4)), out.length - 4);
  return out;
}
const event = (type, payload) => framed({ ':message-type': 'event', ':event-type': type }, payload);
const exception = (type, message) => framed({ ':message-type': 'exception', ':exception-type': type }, { message });

const chunk = (delta) => ({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: null }] });
const response = (status, more) => ({ id: 'resp_1', object: 'response', created_at: 1, model: 'm', status, output: [], error: null, incomplete_details: null, instructions: null, metadata: {}, parallel_tool_calls: true, temperature: 1, tool_choice: 'auto', tools: [], top_p: 1, ...more });

/** What a stream says before it fails: the word Half. */
const begun = {
  chat: () => data(chunk({ role: 'assistant', content: '' }), chunk({ content: 'Half' })),
  completions: () => data({ id: 'c1', object: 'text_completion', created: 1, model: 'm', choices: [{ index: 0, text: 'Half', logprobs: null, finish_reason: null }] }),
  responses: () => sse(
    { type: 'response.created', sequence_number: 0, response: response('in_progress') },
    { type: 'response.output_item.added', sequence_number: 1, output_index: 0, item: { id: 'msg_1', type: 'message', status: 'in_progress', role: 'assistant', content: [] } },
    { type: 'response.content_part.added', sequence_number: 2, item_id: 'msg_1', output_index: 0, content_index: 0, part: { type: 'output_text', text: '', annotations: [], logprobs: [] } },
    { type: 'response.output_text.delta', sequence_number: 3, item_id: 'msg_1', output_index: 0, content_index: 0, delta: 'Half', logprobs: [] },
  ),
  messages: () => sse(
    { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 3, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Half' } },
  ),
  gemini: () => data({ candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'Half' }] } }], modelVersion: 'm', responseId: 'r1' }),
  converse: () => Buffer.concat([
    event('messageStart', { role: 'assistant' }),
    event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Half' } }),
  ]),
  cohere: () => sse(
    { type: 'message-start', id: 'x', delta: { message: { role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] } } },
    { type: 'content-start', index: 0, delta: { message: { content: { type: 'text', text: '' } } } },
    { type: 'content-delta', index: 0, delta: { message: { content: { text: 'Half' } } } },
  ),
  ollama: () => lines({ model: 'm', created_at: '2026-01-01T00:00:00Z', message: { role: 'assistant', content: 'Half' }, done: false }),
};

/** How a stream fails: [what, kind, words, its last bytes]. */
const last = {
  chat: [
    ['overloaded', 'overloaded', 'The engine is currently overloaded', (m) => data({ error: { message: m, type: 'server_error', param: null, code: null } })],
    ['rate', 'rate_limit', 'Slow down a little', (m) => data({ error: { message: m, type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' } })],
    ['their bug', 'upstream', 'The server had an error', (m) => data({ error: { message: m, type: 'server_error', param: null, code: null } })],
    ['a key withdrawn', 'upstream_auth', 'The key was withdrawn', (m) => data({ error: { message: m, type: 'authentication_error', param: null, code: 'invalid_api_key' } })],
  ],
  completions: [['their bug', 'upstream', 'The server had an error', (m) => data({ error: { message: m, type: 'server_error', param: null, code: null } })]],
  responses: [
    ['failed', 'overloaded', 'Our servers are currently overloaded.', (message) => sse({ type: 'response.failed', sequence_number: 4, response: response('failed', { error: { code: 'server_is_overloaded', message } }) })],
    ['an error', 'rate_limit', 'Rate limit reached for requests', (message) => sse({ type: 'error', sequence_number: 4, code: 'rate_limit_exceeded', message, param: null })],
  ],
  messages: [
    ['overloaded', 'overloaded', 'Overloaded', (message) => sse({ type: 'error', error: { type: 'overloaded_error', message } })],
    ['their bug', 'upstream', 'Internal server error', (message) => sse({ type: 'error', error: { type: 'api_error', message } })],
  ],
  gemini: [['overloaded', 'overloaded', 'The model is overloaded.', (message) => data({ error: { code: 503, message, status: 'UNAVAILABLE' } })]],
  converse: [
    ['throttled', 'rate_limit', 'Too many requests', (m) => exception('throttlingException', m)],
    ['the model failed', 'upstream', 'The model broke off', (m) => exception('modelStreamErrorException', m)],
    ['unavailable', 'overloaded', 'Try again in a while', (m) => exception('serviceUnavailableException', m)],
    ['internal', 'upstream', 'Something inside failed', (m) => exception('internalServerException', m)],
    ['validation', 'malformed', 'The input is wrong after all', (m) => exception('validationException', m)],
  ],
  cohere: [['failed', 'upstream', 'the model failed', (error) => sse({ type: 'message-end', id: 'x', delta: { error, finish_reason: 'ERROR' } })]],
  ollama: [['failed', 'upstream', 'an error was encountered while running the model', (error) => lines({ error })]],
};

/** Every stream that fails after its first word. */
export const broken = Object.fromEntries(Object.entries(last).map(([language, all]) => [
  language, all.map(([what, kind, words, end]) => ({ what, kind, words, body: Buffer.concat([Buffer.from(begun[language]()), Buffer.from(end(words))]) })),
]));
