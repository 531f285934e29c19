// What the tests of both SDKs share: where the gateway is, the tools, small checks.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

function needed(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests with \`make e2e\``);
  return value;
}

export const base = needed('WEIR_URL');
export const key = needed('WEIR_KEY');
const control = needed('WEIR_CONTROL');

/** The upstreams: the same simulated provider in every dialect it can be reached in. */
export const upstreams = needed('WEIR_UPSTREAMS').split(' ');

/** What an upstream cannot say or do, whoever asks it. */
export const cannot = {
  'sim-resp': ['think aloud unasked', 'stop before 16 tokens'],
  'sim-gem': ['think aloud unasked'],
  'sim-conv': ['say when to come back'],
  'sim-coh': ['say that it refuses'],
  'sim-oll': ['say that it refuses', 'be made to call a tool'],
};
export const can = (via, what) => !cannot[via]?.includes(what);

/** Whether the address is the simulated provider itself, without a gateway before it. */
export const direct = Boolean(process.env.WEIR_DIRECT);

export const openai = (options = {}) => new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0, ...options });
export const anthropic = (options = {}) => new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0, ...options });

export const weather = {
  name: 'get_weather',
  description: 'The weather in a city',
  schema: {
    type: 'object',
    properties: { city: { type: 'string', minLength: 1 }, unit: { type: 'string', enum: ['celsius', 'fahrenheit'] } },
    required: ['city', 'unit'],
    additionalProperties: false,
  },
};

export const clock = {
  name: 'get_time',
  description: 'The time in a city',
  schema: {
    type: 'object',
    properties: { city: { type: 'string', minLength: 1 } },
    required: ['city'],
    additionalProperties: false,
  },
};

export const person = {
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 1 },
    age: { type: 'integer', minimum: 0, maximum: 120 },
    tags: { type: 'array', items: { type: 'string' } },
  },
  required: ['name', 'age', 'tags'],
  additionalProperties: false,
};

export function checkWeather(args) {
  assert.equal(typeof args.city, 'string');
  assert.ok(args.city.length > 0);
  assert.ok(['celsius', 'fahrenheit'].includes(args.unit), `unit is ${args.unit}`);
}

export function checkPerson(text) {
  const value = JSON.parse(text);
  assert.deepEqual(Object.keys(value).sort(), ['age', 'name', 'tags']);
  assert.equal(typeof value.name, 'string');
  assert.ok(Number.isInteger(value.age) && value.age >= 0 && value.age <= 120, `age is ${value.age}`);
  assert.ok(Array.isArray(value.tags));
}

/** Waits until the simulated provider has no request open: what a client left must have ended upstream. */
export async function nothingOpen() {
  let open;
  for (let i = 0; i < 100; i++) {
    open = await (await fetch(`${control}/open`)).json();
    if (open === 0) return;
    await sleep(50);
  }
  assert.fail(`${open} requests are still open upstream, five seconds after their clients left`);
}

/** The bodies the simulated provider was sent that hold a text. */
export async function sent(text) {
  return (await fetch(`${control}/sent?text=${encodeURIComponent(text)}`)).json();
}

/** Fails unless the promise is rejected with an instance of a class; returns the error. */
export async function rejected(promise, type) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    assert.ok(error instanceof type, `expected ${type.name}, got ${error?.constructor?.name}: ${error?.stack ?? error}`);
    return error;
  }
  assert.fail(`expected ${type.name}, got an answer: ${JSON.stringify(value)?.slice(0, 500)}`);
}
