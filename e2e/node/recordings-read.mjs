// Reads an answer as an application does, with the official SDK of its language, and says what it read in one form:
//
//   { text, refusal, reasoning, transcript, tools: [{ name, args }], stop, usage: { input, output, cacheRead, cacheWrite,
//     reasoning }, server, opaque, images, redacted, mixed, finished, id }
//
// or { error: { status, retryAfter, message } }. args are the bytes of the arguments; server, opaque, images and redacted count what
// one language says and the other cannot; finished tells whether a reason to stop was said, mixed whether reasoning, text
// and calls come in another order than that.
// A stream is read piece by piece, and by the SDK's own helper: what that makes of it is under helper.
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { membersOf, watching } from './recordings-stage.mjs';

const timeout = 30_000;
const ask = [{ role: 'user', content: 'Please go on.' }];
const schema = { type: 'object', properties: {} };

/** What an application reads, and what the gateway named lost. names are of the tools it declares. */
export async function read(dialect, { url, key, model, streaming, names = [] }) {
  const { fetch: watched, seen } = watching();
  const [reader, client] = dialect === 'chat'
    ? [readChat, (options) => new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, timeout, logLevel: 'off', ...options })]
    : [readMessages, (options) => new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0, timeout, logLevel: 'off', ...options })];
  const bytes = () => Buffer.concat(seen.at(-1).bytes).toString();
  let answer;
  try {
    answer = await reader({ watched: client({ fetch: watched }), plain: client(), model, streaming, names, bytes });
  } catch (error) {
    if (!(error instanceof OpenAI.APIError || error instanceof Anthropic.APIError)) throw error;
    const retryAfter = error.headers?.get('retry-after') ?? undefined;
    answer = { error: { status: error.status, retryAfter, message: messageOf(error, seen.length ? bytes() : '') } };
  }
  await Promise.all(seen.map(({ ended }) => ended));
  const named = seen.flatMap(({ headers, trailers }) => [headers.get('x-weir-lost'), trailers()['x-weir-lost']]);
  const lost = new Set(named.filter(Boolean).flatMap((list) => list.split(', ')).filter((path) => path.startsWith('answer.')));
  return { answer, lost };
}

/** The provider's own words: the SDKs put the status before them, and whole bodies of an unknown shape after it. */
function messageOf(error, body) {
  const said = error.error?.error ?? error.error ?? parsed(body);
  for (const words of [said?.message, said?.detail, said]) if (typeof words === 'string' && words) return words;
  return error.message;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const empty = () => ({
  text: '', refusal: '', reasoning: '', transcript: '', tools: [], stop: 'end',
  usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
  server: 0, opaque: 0, images: 0, redacted: 0, mixed: false,
});

// ---- Chat Completions

async function readChat({ watched, plain, model, streaming, names }) {
  const request = { model, messages: ask };
  if (names.length) request.tools = names.map((name) => ({ type: 'function', function: { name, parameters: schema } }));
  if (!streaming) return fromCompletion(await watched.chat.completions.create(request));

  request.stream_options = { include_usage: true };
  const chunks = [];
  for await (const chunk of await watched.chat.completions.create({ ...request, stream: true })) chunks.push(chunk);
  const answer = fromCompletion(joined(chunks));
  answer.mixed = mixedChunks(chunks);
  try {
    answer.helper = fromCompletion(await plain.chat.completions.stream(request).finalChatCompletion());
    // Reasoning is no member of the language: the helper does not join its pieces. Of order it keeps nothing.
    Object.assign(answer.helper, { reasoning: answer.reasoning, mixed: answer.mixed });
  } catch (error) {
    answer.helper = { error };
  }
  return answer;
}

/** The completion that chunks make, put together as the reference says. */
function joined(chunks) {
  const message = { content: [], tool_calls: [], images: [], reasoning_details: [] };
  const grow = (name, piece) => { if (typeof piece === 'string') message[name] = (message[name] ?? '') + piece; };
  let finish = null;
  let usage;
  for (const chunk of chunks) {
    usage = chunk.usage ?? chunk.x_groq?.usage ?? usage;
    const choice = chunk.choices?.find((c) => (c.index ?? 0) === 0);
    if (!choice) continue;
    finish = choice.finish_reason ?? finish;
    const delta = choice.delta ?? {};
    message.content.push(...items(delta.content));
    message.images.push(...(delta.images ?? []));
    message.reasoning_details.push(...(delta.reasoning_details ?? []));
    for (const name of ['refusal', 'reasoning_content', 'reasoning']) grow(name, delta[name]);
    if (delta.audio) message.audio = { transcript: (message.audio?.transcript ?? '') + (delta.audio.transcript ?? '') };
    if (delta.function_call) message.function_call = together(message.function_call, delta.function_call);
    for (const piece of delta.tool_calls ?? []) grownCall(message.tool_calls, piece);
  }
  return { id: chunks[0]?.id, choices: [{ index: 0, finish_reason: finish, message }], usage };
}

/** Content is a text, a list or, with some providers, the object that was asked for. */
function items(content) {
  if (Array.isArray(content)) return content;
  return [{ type: 'text', text: textOf(content) }];
}

/** Whether reasoning, text and calls came in another order than that. */
function mixedChunks(chunks) {
  const ranks = [];
  for (const { choices } of chunks) {
    const delta = choices?.find((c) => (c.index ?? 0) === 0)?.delta ?? {};
    if (delta.reasoning_content || delta.reasoning || delta.reasoning_details?.length) ranks.push(1);
    if (items(delta.content).some((p) => p.text)) ranks.push(2);
    if (delta.tool_calls?.length || delta.function_call) ranks.push(3);
  }
  return descends(ranks);
}

const descends = (ranks) => ranks.some((rank, i) => i > 0 && rank < ranks[i - 1]);

const together = (whole, piece) => ({
  name: whole?.name || piece.name,
  arguments: (whole?.arguments ?? '') + textOf(piece.arguments),
  input: (whole?.input ?? '') + (piece.input ?? ''),
});

const textOf = (args) => (typeof args === 'string' ? args : args == null ? '' : JSON.stringify(args));

/** Adds a piece to the call it belongs to. Some providers number every call 0, or none. */
function grownCall(calls, piece) {
  let call = calls.findLast((c) => (piece.index === undefined ? !piece.id || c.id === piece.id : c.index === piece.index));
  const inner = piece.custom ? 'custom' : 'function';
  if (!call || (piece[inner]?.name && piece.id && call.id && piece.id !== call.id)) {
    call = { index: piece.index, id: piece.id, type: piece.type ?? 'function' };
    calls.push(call);
  }
  if (piece[inner]) call[inner] = together(call[inner], piece[inner]);
}

function fromCompletion({ choices, usage, error, ...rest }) {
  if (!choices) return { error: { status: undefined, message: error?.message ?? error ?? rest.message } };
  const answer = empty();
  const choice = choices.find((c) => c.index === 0) ?? choices[0] ?? {};
  const message = choice.message ?? {};
  const parts = items(message.content);
  answer.text = parts.filter((p) => p.type === 'text').map((p) => p.text).join('');
  answer.refusal = message.refusal ?? '';
  answer.transcript = message.audio?.transcript ?? '';
  answer.reasoning = reasoningOf(message, parts);
  answer.images = message.images?.length ?? 0;
  answer.redacted = (message.reasoning_details ?? []).filter((d) => d.type === 'reasoning.encrypted' && d.data).length;
  answer.opaque = parts.filter((p) => p.type !== 'text' && p.type !== 'thinking').length;
  for (const { type, custom, function: called } of message.tool_calls ?? []) {
    // A custom call has no function; some providers name both and leave one empty.
    if (custom && (type === 'custom' || !called)) answer.tools.push({ name: custom.name, args: custom.input ?? '', free: true });
    else if (called) answer.tools.push({ name: called.name, args: textOf(called.arguments).trim() || '{}' });
    else answer.server++;
  }
  if (message.function_call?.name) {
    answer.tools.push({ name: message.function_call.name, args: textOf(message.function_call.arguments).trim() || '{}' });
  }
  answer.stop = chatStop(choice.finish_reason, answer);
  answer.finished = Boolean(choice.finish_reason);
  answer.id = rest.id;
  answer.usage = chatUsage(usage ?? {});
  return answer;
}

/** Reasoning is no member of the language; providers say it under several names, and the same often under two. */
function reasoningOf(message, parts) {
  const details = (message.reasoning_details ?? []).map((d) => d.text ?? d.summary ?? '').join('');
  const thinking = parts.filter((p) => p.type === 'thinking').flatMap((p) => p.thinking).map((t) => t.text ?? '').join('');
  const said = [thinking, message.reasoning_content, message.reasoning, details].filter((text) => typeof text === 'string' && text);
  return [...new Set(said)].join('');
}

/** Providers say stop after calls and after refusals, too; the parts of the answer tell. */
function chatStop(word, { tools, refusal }) {
  switch (word) {
    case 'tool_calls': case 'function_call': return 'calls';
    case 'length': case 'model_length': return 'length';
    case 'content_filter': return 'filter';
    default: return tools.length ? 'calls' : refusal ? 'refusal' : 'end';
  }
}

/** Details have names of their own with some providers. */
function chatUsage(u) {
  return {
    input: u.prompt_tokens ?? 0,
    output: u.completion_tokens ?? 0,
    cacheRead: u.prompt_tokens_details?.cached_tokens ?? u.prompt_cache_hit_tokens ?? u.cache_read_input_tokens ?? u.cached_tokens ?? u.num_cached_tokens ?? 0,
    cacheWrite: u.prompt_tokens_details?.cache_write_tokens ?? u.cache_creation_input_tokens ?? 0,
    reasoning: u.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}

// ---- Messages

async function readMessages({ watched, plain, model, streaming, names, bytes }) {
  const request = { model, max_tokens: 4096, messages: ask };
  if (names.length) request.tools = names.map((name) => ({ name, input_schema: schema }));
  if (!streaming) {
    const message = await watched.messages.create(request);
    return fromMessage(message, inputsOf(bytes()));
  }
  const { message, inputs, after } = await joinedMessage(await watched.messages.create({ ...request, stream: true }));
  const answer = fromMessage(message, inputs);
  if (after) return { ...answer, after };
  try {
    answer.helper = fromMessage(await plain.messages.stream(request).finalMessage(), inputs);
  } catch (error) {
    answer.helper = { error };
  }
  return answer;
}

/**
 * The message that events make, put together as the reference says, and the bytes of each block's input. after is what
 * the SDK says of something that follows the end.
 */
async function joinedMessage(stream) {
  let message;
  let ended = false;
  const inputs = [];
  try {
    for await (const event of stream) {
      message = grownMessage(message, inputs, event);
      ended ||= event.type === 'message_stop';
    }
  } catch (error) {
    if (!ended) throw error;
    return { message, inputs, after: String(error) };
  }
  return { message, inputs };
}

function grownMessage(message, inputs, event) {
  const block = message?.content[event.index];
  switch (event.type) {
    case 'message_start':
      return event.message;
    case 'content_block_start':
      message.content[event.index] = { ...event.content_block };
      break;
    case 'content_block_delta':
      if (event.delta.type === 'text_delta') block.text += event.delta.text;
      if (event.delta.type === 'thinking_delta') block.thinking += event.delta.thinking;
      if (event.delta.type === 'input_json_delta') inputs[event.index] = (inputs[event.index] ?? '') + event.delta.partial_json;
      break;
    case 'content_block_stop':
      if ('input' in block) {
        inputs[event.index] ||= JSON.stringify(block.input ?? {});
        block.input = JSON.parse(inputs[event.index]);
      }
      break;
    case 'message_delta':
      Object.assign(message, event.delta);
      for (const [name, value] of Object.entries(event.usage ?? {})) if (value !== null) message.usage[name] = value;
      break;
  }
  return message;
}

function fromMessage(message, inputs) {
  if (!message?.content) return { error: { status: undefined, message: message?.error?.message ?? 'no message' } };
  const answer = empty();
  const ranks = [];
  message.content.forEach((block, i) => {
    switch (block.type) {
      case 'text':
        answer.text += block.text;
        if (block.text) ranks.push(2);
        break;
      case 'thinking':
        answer.reasoning += block.thinking;
        if (block.thinking) ranks.push(1);
        break;
      case 'redacted_thinking':
        answer.redacted++;
        break;
      case 'tool_use': {
        const args = inputs[i].trim() || '{}';
        const same = JSON.stringify(block.input) === JSON.stringify(JSON.parse(args));
        if (!same) throw new Error(`the SDK reads the input ${JSON.stringify(block.input)} where the bytes are ${args}`);
        answer.tools.push({ name: block.name, args });
        ranks.push(3);
        break;
      }
      default:
        if (/^(server_tool|mcp_tool)_use$|_tool_result$/.test(block.type)) answer.server++;
        else answer.opaque++;
    }
  });
  answer.mixed = descends(ranks);
  answer.stop = {
    end_turn: 'end', stop_sequence: 'end', tool_use: 'calls', max_tokens: 'length', model_context_window_exceeded: 'context',
    refusal: 'refusal', pause_turn: 'pause',
  }[message.stop_reason] ?? 'end';
  answer.finished = Boolean(message.stop_reason);
  answer.id = message.id;
  const u = message.usage ?? {};
  const creation = u.cache_creation ?? {};
  const cacheWrite = u.cache_creation_input_tokens ?? (creation.ephemeral_5m_input_tokens ?? 0) + (creation.ephemeral_1h_input_tokens ?? 0);
  answer.usage = {
    input: (u.input_tokens ?? 0) + (u.cache_read_input_tokens ?? 0) + cacheWrite,
    output: u.output_tokens ?? 0,
    cacheRead: u.cache_read_input_tokens ?? 0,
    cacheWrite,
    reasoning: u.output_tokens_details?.thinking_tokens ?? 0,
  };
  return answer;
}

/** The bytes of every block's input in a whole message, which JSON.parse would forget. */
function inputsOf(text) {
  const content = membersOf(text, text.indexOf('{')).find((m) => m.name === 'content');
  return membersOf(text, content.start).map(({ start }) => {
    const input = membersOf(text, start).find((m) => m.name === 'input');
    return input ? text.slice(input.start, input.end) : '';
  });
}
