// Reads an answer with the official SDK of any wire language and says what it read in one form, that of recordings-read.mjs,
// which does it for Chat Completions and Messages:
//
//   { text, refusal, reasoning, transcript, tools: [{ name, args, free }], stop, usage: { input, output, cacheRead, cacheWrite }, id, odd }
//
// usage is undefined where none was stated, and id is there where the language has one. odd lists what the SDK let pass and an application trips over: an event that the
// SDK does not know, pieces that do not make the whole, arguments that are no JSON.
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { GoogleGenAI } from '@google/genai';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { CohereClientV2 } from 'cohere-ai';
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { read } from './recordings-read.mjs';

const words = 'Please go on.';
const schema = { type: 'object', properties: {} };
const timeout = 30_000;

const empty = () => ({ text: '', refusal: '', reasoning: '', transcript: '', tools: [], stop: undefined, usage: undefined, odd: [] });

/** A reader for every language: readers(url, key)[language]({ model, streaming, names }). names are of the tools declared. */
export function readers(url, key) {
  const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout, logLevel: 'off' });
  const google = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, timeout } });
  const aws = new BedrockRuntimeClient({
    region: 'us-east-1', endpoint: url, token: { token: key }, authSchemePreference: ['httpBearerAuth'], maxAttempts: 1,
    requestHandler: new NodeHttpHandler(),
  });
  const cohere = new CohereClientV2({ token: key, environment: url });
  const ollama = new Ollama({ host: url, headers: { Authorization: `Bearer ${key}` } });
  return {
    chat: (q) => elder('chat', url, key, q),
    messages: (q) => elder('messages', url, key, q),
    responses: (q) => readResponses(openai, q),
    completions: (q) => readCompletions(openai, q),
    gemini: (q) => readGemini(google, q),
    converse: (q) => readConverse(aws, q),
    cohere: (q) => readCohere(cohere, q),
    ollama: (q) => readOllama(ollama, q),
    close: () => aws.destroy(),
  };
}

/** Whether an error is what the SDK makes of an error it was told, with a status or within an answer. */
export const isTold = (error) => Boolean(error && (error.inStream || error instanceof OpenAI.APIError
  || (error.status ?? error.$metadata?.httpStatusCode ?? error.statusCode ?? error.status_code)));

/** What recordings-read.mjs reads. It says of errors what they are; here they are thrown, as the others do. */
async function elder(language, url, key, q) {
  const { answer } = await read(language, { url, key, ...q });
  if (answer.error) throw Object.assign(new Error(answer.error.message), { status: answer.error.status, inStream: true });
  answer.odd = [];
  if (!answer.finished) answer.stop = undefined;
  if (answer.after) answer.odd.push(`after the end: ${answer.after}`);
  if (answer.helper?.error) answer.odd.push(`the SDK's stream helper refuses: ${answer.helper.error}`);
  else for (const field of answer.helper ? ['text', 'refusal', 'reasoning', 'tools', 'finished', 'usage'] : []) {
    if (!isDeepStrictEqual(answer.helper[field], answer[field])) answer.odd.push(`the SDK's stream helper reads another ${field}`);
  }
  return answer;
}

const joined = (list, pick) => (list ?? []).map((item) => pick(item) ?? '').join('');

// ---- Responses

/** The events the SDK has types for. */
const responseEvents = new Set([...readFileSync(new URL('node_modules/openai/resources/responses/responses.d.ts', import.meta.url), 'utf8')
  .matchAll(/^ {4}type: '((?:response\.[\w.]+|error))';/gm)].map(([, type]) => type));

async function readResponses(client, { model, streaming, names }) {
  const request = {
    model, input: words, store: false, include: ['reasoning.encrypted_content'],
    tools: names?.map((name) => ({ type: 'function', name, parameters: schema, strict: false })),
  };
  if (!streaming) return fromResponse(await client.responses.create(request));

  const pieces = { 'output_text.delta': '', 'refusal.delta': '' };
  const odd = [];
  let last;
  let number = -1;
  for await (const event of await client.responses.create({ ...request, stream: true })) {
    if (!responseEvents.has(event.type)) odd.push(`the SDK knows no event ${event.type}`);
    if (event.sequence_number <= number) odd.push(`event ${event.sequence_number} follows ${number}`);
    number = event.sequence_number;
    if (event.type === 'error') throw Object.assign(new Error(event.message), { inStream: true });
    const kind = event.type.slice('response.'.length);
    if (kind in pieces) pieces[kind] += event.delta;
    if (['completed', 'incomplete', 'failed'].includes(kind)) last = event.response;
  }
  if (!last) throw new Error('the stream has no last event');
  const answer = fromResponse(last);
  if (pieces['output_text.delta'] !== answer.text) odd.push('the pieces of text are not the whole');
  if (pieces['refusal.delta'] !== answer.refusal) odd.push('the pieces of the refusal are not the whole');
  try {
    const helper = fromResponse(await client.responses.stream(request).finalResponse());
    if (!isDeepStrictEqual({ ...helper, id: answer.id }, answer)) odd.push("the SDK's stream helper reads another answer");
  } catch (error) {
    odd.push(`the SDK's stream helper refuses: ${error}`);
  }
  answer.odd.push(...odd);
  return answer;
}

function fromResponse(response) {
  if (response.status === 'failed' || response.error) throw Object.assign(new Error(response.error?.message), { inStream: true });
  const answer = empty();
  for (const item of response.output) {
    if (item.type === 'message') {
      answer.text += joined(item.content, (part) => part.text);
      answer.refusal += joined(item.content, (part) => part.refusal);
    }
    if (item.type === 'reasoning') answer.reasoning += joined(item.summary, (part) => part.text) + joined(item.content, (part) => part.text);
    if (item.type === 'function_call') answer.tools.push({ name: item.name, args: item.arguments });
    if (item.type === 'custom_tool_call') answer.tools.push({ name: item.name, args: item.input, free: true });
  }
  if (response.output_text !== undefined && response.output_text !== answer.text) answer.odd.push('output_text is not the text');
  answer.stop = { max_output_tokens: 'length', content_filter: 'filter' }[response.incomplete_details?.reason];
  if (response.status === 'completed') answer.stop = answer.tools.length ? 'calls' : answer.refusal ? 'refusal' : 'end';
  answer.id = response.id;
  const u = response.usage;
  if (u) answer.usage = { input: u.input_tokens, output: u.output_tokens, cacheRead: u.input_tokens_details?.cached_tokens ?? 0 };
  return answer;
}

// ---- Completions

async function readCompletions(client, { model, streaming }) {
  const request = { model, prompt: words };
  if (!streaming) return fromText(await client.completions.create(request));
  const whole = { id: '', choices: [{ text: '', finish_reason: null }] };
  for await (const chunk of await client.completions.create({ ...request, stream: true, stream_options: { include_usage: true } })) {
    whole.id = chunk.id;
    whole.usage = chunk.usage ?? whole.usage;
    for (const choice of chunk.choices.filter(({ index }) => index === 0)) {
      whole.choices[0].text += choice.text;
      whole.choices[0].finish_reason = choice.finish_reason ?? whole.choices[0].finish_reason;
    }
  }
  return fromText(whole);
}

function fromText({ id, choices: [choice], usage: u }) {
  return {
    ...empty(),
    id,
    text: choice.text,
    stop: { stop: 'end', length: 'length', content_filter: 'filter' }[choice.finish_reason],
    usage: u ? { input: u.prompt_tokens, output: u.completion_tokens, cacheRead: u.prompt_tokens_details?.cached_tokens ?? 0 } : undefined,
  };
}

// ---- Gemini

async function readGemini(client, { model, streaming, names }) {
  const request = {
    model, contents: words,
    config: names && { tools: [{ functionDeclarations: names.map((name) => ({ name, parametersJsonSchema: schema })) }] },
  };
  if (!streaming) return fromContents([await client.models.generateContent(request)]);
  const chunks = [];
  for await (const chunk of await client.models.generateContentStream(request)) chunks.push(chunk);
  return fromContents(chunks);
}

function fromContents(chunks) {
  const answer = empty();
  const calls = [];
  let finish;
  let block;
  let u;
  for (const chunk of chunks) {
    if (!chunk.candidates && !chunk.usageMetadata && !chunk.promptFeedback) answer.odd.push(`the SDK reads nothing of ${JSON.stringify(chunk)}`);
    answer.id = chunk.responseId;
    u = { ...u, ...chunk.usageMetadata };
    block = chunk.promptFeedback?.blockReason ?? block;
    const candidate = chunk.candidates?.find(({ index = 0 }) => index === 0);
    finish = candidate?.finishReason ?? finish;
    for (const { thought, text, functionCall } of candidate?.content?.parts ?? []) {
      if (text !== undefined) answer[thought ? 'reasoning' : 'text'] += text;
      if (functionCall) grownFunction(calls, functionCall);
    }
  }
  answer.tools = calls.map(({ name, args }) => ({ name, args: JSON.stringify(args) }));
  finish = { 1: 'STOP', 2: 'MAX_TOKENS' }[finish] ?? finish; // one recorder wrote numbers
  if (finish === 'STOP') answer.stop = answer.tools.length ? 'calls' : 'end';
  else if (finish === 'MAX_TOKENS') answer.stop = 'length';
  else if (/MALFORMED|UNEXPECTED_TOOL/.test(finish)) answer.stop = 'malformed';
  else if (finish || block) answer.stop = 'filter';
  if (u && Object.keys(u).some((name) => name.endsWith('TokenCount'))) {
    answer.usage = {
      input: (u.promptTokenCount ?? 0) + (u.toolUsePromptTokenCount ?? 0),
      output: (u.candidatesTokenCount ?? 0) + (u.thoughtsTokenCount ?? 0),
      cacheRead: u.cachedContentTokenCount ?? 0,
    };
  }
  return answer;
}

/** A call comes whole, or in pieces: the name first, then arguments by their paths, of which texts come in pieces, too. */
function grownFunction(calls, { name, args, partialArgs, willContinue }) {
  if (name !== undefined) calls.push({ name, args: { ...args } });
  const call = calls.at(-1);
  for (const { jsonPath, stringValue, numberValue, boolValue } of partialArgs ?? []) {
    const member = /^\$\.(\w+)$/.exec(jsonPath)[1];
    call.args[member] = stringValue === undefined ? numberValue ?? boolValue ?? null : (call.args[member] ?? '') + stringValue;
  }
  call.open = Boolean(willContinue);
}

// ---- Converse

async function readConverse(client, { model, streaming, names }) {
  const request = {
    modelId: model, messages: [{ role: 'user', content: [{ text: words }] }],
    toolConfig: names && { tools: names.map((name) => ({ toolSpec: { name, inputSchema: { json: schema } } })) },
  };
  if (!streaming) {
    const { output, ...rest } = await client.send(new ConverseCommand(request));
    return fromBlocks(output?.message?.content ?? [], rest);
  }
  const blocks = [];
  const rest = {};
  const odd = [];
  for await (const event of (await client.send(new ConverseStreamCommand(request))).stream) {
    if (event.$unknown) odd.push(`the SDK knows no event ${event.$unknown[0]}`);
    const { contentBlockStart: start, contentBlockDelta: more, contentBlockStop: stop } = event;
    if (start?.start?.toolUse) blocks[start.contentBlockIndex] = { toolUse: { ...start.start.toolUse, input: '' } };
    if (more) grownBlock(blocks[more.contentBlockIndex] ??= {}, more.delta);
    const ended = stop && blocks[stop.contentBlockIndex];
    if (ended?.toolUse) ended.toolUse.input = JSON.parse(ended.toolUse.input || '{}');
    Object.assign(rest, event.messageStop, event.metadata);
  }
  const answer = fromBlocks(blocks.filter(Boolean), rest);
  answer.odd.push(...odd);
  return answer;
}

function grownBlock(block, { text, toolUse, reasoningContent }) {
  if (text !== undefined) block.text = (block.text ?? '') + text;
  if (toolUse) block.toolUse.input += toolUse.input;
  if (reasoningContent) {
    block.reasoningContent ??= { reasoningText: { text: '' } };
    block.reasoningContent.reasoningText.text += reasoningContent.text ?? '';
  }
}

function fromBlocks(blocks, { stopReason, usage: u }) {
  const answer = empty();
  for (const { $unknown, text, toolUse, reasoningContent, citationsContent } of blocks) {
    if ($unknown) answer.odd.push(`the SDK knows no block ${$unknown[0]}`);
    answer.text += (text ?? '') + joined(citationsContent?.content, (part) => part.text);
    answer.reasoning += reasoningContent?.reasoningText?.text ?? '';
    if (toolUse) answer.tools.push({ name: toolUse.name, args: JSON.stringify(toolUse.input) });
  }
  answer.stop = {
    end_turn: 'end', stop_sequence: 'end', tool_use: 'calls', max_tokens: 'length', model_context_window_exceeded: 'context',
    guardrail_intervened: 'filter', content_filtered: 'filter', malformed_model_output: 'malformed', malformed_tool_use: 'malformed',
  }[stopReason];
  if (u) {
    const { cacheReadInputTokens: cacheRead = 0, cacheWriteInputTokens: cacheWrite = 0 } = u;
    answer.usage = { input: u.inputTokens + cacheRead + cacheWrite, output: u.outputTokens, cacheRead, cacheWrite };
  }
  return answer;
}

// ---- Cohere

const cohereEvents = new Set(['message-start', 'content-start', 'content-delta', 'content-end', 'tool-plan-delta', 'tool-call-start',
  'tool-call-delta', 'tool-call-end', 'citation-start', 'citation-end', 'message-end', 'debug']);

async function readCohere(client, { model, streaming, names }) {
  const request = {
    model, messages: [{ role: 'user', content: words }],
    tools: names?.map((name) => ({ type: 'function', function: { name, parameters: schema } })),
  };
  const options = { maxRetries: 0 };
  if (!streaming) {
    const { message, ...rest } = await client.chat(request, options);
    return fromParts(message, rest);
  }
  let id;
  const message = { content: [], toolCalls: [], toolPlan: '' };
  const odd = [];
  let rest = {};
  for await (const event of await client.chatStream(request, options)) {
    if (!cohereEvents.has(event.type)) odd.push(`the SDK knows no event ${event.type ?? JSON.stringify(event)}`);
    const delta = event.delta?.message;
    if (event.type === 'message-start') id = event.id;
    if (event.type === 'content-start') message.content[event.index] = { ...delta.content };
    if (event.type === 'content-delta') {
      const part = message.content[event.index];
      for (const member of ['text', 'thinking']) if (delta.content[member] !== undefined) part[member] = (part[member] ?? '') + delta.content[member];
    }
    if (event.type === 'tool-plan-delta') message.toolPlan += delta.toolPlan;
    if (event.type === 'tool-call-start') message.toolCalls[event.index] = { ...delta.toolCalls, function: { ...delta.toolCalls.function } };
    if (event.type === 'tool-call-delta') message.toolCalls[event.index].function.arguments += delta.toolCalls.function.arguments;
    if (event.type === 'message-end') rest = event.delta;
  }
  const answer = fromParts(message, { ...rest, id });
  answer.odd.push(...odd);
  return answer;
}

function fromParts({ content, toolPlan, toolCalls }, { id, finishReason, usage, error }) {
  if (finishReason === 'ERROR') throw Object.assign(new Error(error ?? 'the answer ends with an error'), { inStream: true });
  const answer = empty();
  answer.id = id;
  answer.text = joined(content, (part) => part.text);
  answer.reasoning = joined(content, (part) => part.thinking) + (toolPlan ?? '');
  for (const { function: called } of toolCalls ?? []) answer.tools.push({ name: called.name, args: called.arguments });
  answer.stop = { COMPLETE: 'end', STOP_SEQUENCE: 'end', MAX_TOKENS: 'length', TOOL_CALL: 'calls', ERROR_TOXIC: 'filter', TIMEOUT: 'error' }[finishReason];
  if (usage) answer.usage = { input: usage.tokens?.inputTokens, output: usage.tokens?.outputTokens, cacheRead: usage.cachedTokens ?? 0 };
  return answer;
}

// ---- Ollama

async function readOllama(client, { model, streaming, names }) {
  const request = {
    model, messages: [{ role: 'user', content: words }],
    tools: names?.map((name) => ({ type: 'function', function: { name, parameters: schema } })),
  };
  if (!streaming) {
    const { message, ...rest } = await client.chat(request);
    return fromLines([message], rest);
  }
  const messages = [];
  let last;
  for await (const line of await client.chat({ ...request, stream: true })) {
    messages.push(line.message);
    last = line;
  }
  return fromLines(messages, last);
}

function fromLines(messages, last) {
  const answer = empty();
  for (const { content, thinking, tool_calls: calls } of messages) {
    answer.text += content ?? '';
    answer.reasoning += thinking ?? '';
    for (const { function: called } of calls ?? []) answer.tools.push({ name: called.name, args: JSON.stringify(called.arguments) });
  }
  if (last.done_reason === 'length') answer.stop = 'length';
  else if (last.done) answer.stop = answer.tools.length ? 'calls' : 'end';
  answer.usage = { input: last.prompt_eval_count ?? 0, output: last.eval_count ?? 0 }; // a count of 0 is left out
  return answer;
}
