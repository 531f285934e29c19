// The failures of providers that were recorded, and those that are only reported in public, as cases for errors.test.mjs.
// They are read from a folder that is no part of the project.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What another language's client is told, by what went wrong; where this says nothing, the provider's status. */
const tells = { content_policy: 400, context_length: 400, not_found: 404, too_large: 413, rate_limit: 429, overloaded: 503, timeout: 504 };
const kinds = {
  invalid_request: 'malformed', unsupported_parameter: 'malformed', authentication: 'upstream_auth', permission: 'upstream_auth',
  request_too_large: 'too_large', quota_or_billing: 'quota', server_error: 'upstream',
};

/** Words that say more than the class of a request that is refused, which went by the status. */
const more = [
  [/model identifier is invalid|invalid model:|is not a valid model id|supported models are/i, 'not_found'],
  [/total length of all messages is too long/i, 'context_length'],
];

function told(kind, status) {
  switch (kind) {
    case 'upstream_auth': return status === 403 ? 403 : 401;
    case 'quota': return status === 402 ? 402 : 429;
    case 'upstream': return status === 424 ? 502 : status;
    default: return tells[kind] ?? status;
  }
}

/** The language in which the failures of a folder are played: that of its provider's answers, where the path is another's. */
const spoken = [
  [/^(anthropic|vertex-anthropic)/, 'messages'], [/^(gemini-(?!openai)|vertex-gemini)/, 'gemini'], [/^bedrock-(converse|invoke)/, 'converse'],
  [/^cohere/, 'cohere'], [/^ollama$/, 'ollama'], [/-responses$/, 'responses'],
];

/** A failure with what a client is to make of it, from what was written down of it. */
function failure({ folder, completions, status, headers, body, kind: rough, ...rest }) {
  // Google has one word for both; a limit of a minute comes with the time to wait.
  if (rough === 'quota_or_billing' && /"retryDelay"/.test(body)) rough = 'rate_limit';
  const kind = (kinds[rough] === 'malformed' && more.find(([words]) => words.test(body))?.[1]) || (kinds[rough] ?? rough);
  return {
    ...rest, kind, status, told: told(kind, status), headers, body, type: headers['x-amzn-errortype']?.split(':')[0],
    language: completions ? 'completions' : spoken.find(([of]) => of.test(folder))?.[1] ?? 'chat', early: rest.inStream,
  };
}

const linesOf = async (folder, name) => (await readFile(join(folder, name), 'utf8')).split('\n').filter(Boolean).map((l) => JSON.parse(l));

/** The failures that are only reported. */
export async function reported(folder) {
  return (await linesOf(folder, 'failures-reported.jsonl')).map(({ dialect, status, kind, in_stream: inStream, headers, body }, i) => failure({
    what: `reported, line ${i + 1}`, folder: dialect, status, kind, inStream, body,
    words: [...body.matchAll(/"(?:raw|message|error)": ?"((?:[^"\\]|\\.)*)"/g)].map((m) => JSON.parse(`"${m[1]}"`))[0],
    headers: { 'content-type': inStream ? 'text/event-stream' : 'application/json', ...Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, v.replace('SECONDS', '7')])) },
  }));
}

/** The first words of a message, within the object where only that was noted. */
const begin = (message) => (message.startsWith('{') ? /"([^"\\]{8,})"/.exec(message)?.[1] ?? '' : message).slice(0, 16).trim();

/** The failures that were recorded, whatever was asked: a refused embedding is told in the words of a refused chat. */
export async function recorded(folder) {
  const lines = await linesOf(folder, 'MANIFEST.jsonl');
  const all = await Promise.all(lines.map(async (line) => {
    const { id, operation, streaming, error, response } = JSON.parse(await readFile(join(folder, line.file), 'utf8'));
    if (!error) return null;
    const inStream = response.status < 400;
    const headers = Object.fromEntries(Object.entries(response.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])
      .filter(([name]) => !/^(content-length|content-encoding|transfer-encoding|connection)$/.test(name)));
    headers['content-type'] ??= inStream && streaming ? 'text/event-stream' : 'application/json';
    return failure({
      what: id, folder: line.file.split('/')[0], completions: operation === 'completions', status: response.status, kind: error.kind, inStream, headers,
      body: Buffer.from(response.body, response.body_encoding === 'base64' ? 'base64' : 'utf8'), words: begin(error.message ?? ''), played: true,
    });
  }));
  return all.filter(Boolean);
}
