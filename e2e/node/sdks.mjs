// The SDKs of the dialects beside Chat Completions and Messages, each behind the same few words: ask a question, with the
// conversation so far as the SDK has it, and get what was said, called and counted. What a client must do to notice that
// a stream broke is done here as the SDK's documentation has it; nothing else is.
import {
  BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { GoogleGenAI } from '@google/genai';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { CohereClientV2 } from 'cohere-ai';
import { Ollama } from 'ollama';
import { base, key, openai } from './weir.mjs';

/** What a dialect says at the end: in everybody's words. */
const ends = {
  completed: 'end', incomplete: 'length',
  STOP: 'end', MAX_TOKENS: 'length',
  end_turn: 'end', tool_use: 'calls', max_tokens: 'length',
  COMPLETE: 'end', TOOL_CALL: 'calls',
  stop: 'end', length: 'length',
};

class Broken extends Error {}

/** OpenAI's Responses: nothing is stored, so the thought travels with its cipher. */
const responses = {
  name: 'openai responses',
  status: (error) => error.status,
  async ask({ model, text, results = [], history = [], system, tools, schema, think, room, stream }) {
    const input = [
      ...history,
      ...results.map(({ call, output }) => ({ type: 'function_call_output', call_id: call.id, output })),
      ...(text ? [{ role: 'user', content: text }] : []),
    ];
    const request = {
      model, input, instructions: system, store: false, include: ['reasoning.encrypted_content'], max_output_tokens: room,
      tools: tools?.map(({ name, description, schema: parameters }) => ({ type: 'function', name, description, parameters, strict: true })),
      reasoning: think ? { effort: 'low', summary: 'auto' } : undefined,
      text: schema ? { format: { type: 'json_schema', name: 'answer', schema, strict: true } } : undefined,
    };
    let answer;
    let streamed;
    if (stream) {
      streamed = '';
      for await (const event of await openai().responses.create({ ...request, stream: true })) {
        if (event.type === 'response.output_text.delta') streamed += event.delta;
        if (event.type === 'error' || event.type === 'response.failed') throw new Broken(JSON.stringify(event));
        if (event.type === 'response.completed' || event.type === 'response.incomplete') answer = event.response;
      }
      if (!answer) return { cut: true };
    } else {
      answer = await openai().responses.create(request);
    }
    const calls = answer.output.filter((item) => item.type === 'function_call');
    const said = answer.output.flatMap((item) => (item.type === 'message' ? item.content.map((part) => part.text ?? part.refusal) : [])).join('');
    return {
      text: said,
      streamed,
      // What was thought is a summary, or where a model shows its thoughts themselves, content.
      thought: answer.output.flatMap((item) => (item.type === 'reasoning' ? [...item.summary, ...item.content ?? []].map((part) => part.text) : [])).join(''),
      calls: calls.map((item) => ({ id: item.call_id, name: item.name, args: JSON.parse(item.arguments) })),
      end: calls.length > 0 ? 'calls' : ends[answer.status],
      input: answer.usage.input_tokens,
      output: answer.usage.output_tokens,
      history: [...input, ...answer.output],
    };
  },
};

const genai = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: base } });

/** Google's. What comes in chunks is put together part by part, signatures where they stood. */
const gemini = {
  name: 'google genai',
  status: (error) => error.status,
  async ask({ model, text, results = [], history = [], system, tools, schema, think, room, stream, signal }) {
    const parts = [
      ...results.map(({ call, output }) => ({ functionResponse: { id: call.id, name: call.name, response: { output } } })),
      ...(text ? [{ text }] : []),
    ];
    const contents = [...history, { role: 'user', parts }];
    const request = {
      model,
      contents,
      config: {
        abortSignal: signal,
        systemInstruction: system,
        maxOutputTokens: room,
        tools: tools && [{ functionDeclarations: tools.map(({ name, description, schema: parametersJsonSchema }) => ({ name, description, parametersJsonSchema })) }],
        ...(schema && { responseMimeType: 'application/json', responseJsonSchema: schema }),
        ...(think && { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } }),
      },
    };
    const content = { role: 'model', parts: [] };
    let last;
    let streamed;
    if (stream) {
      streamed = '';
      for await (const chunk of await genai.models.generateContentStream(request)) {
        last = chunk;
        // An empty text is not taken back, but for the signature it brings.
        content.parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []).filter((part) => part.text !== '' || part.thoughtSignature));
        streamed += (chunk.candidates?.[0]?.content?.parts ?? []).map((part) => (part.thought ? '' : part.text ?? '')).join('');
      }
      if (!last?.candidates?.[0]?.finishReason) return { cut: true };
    } else {
      last = await genai.models.generateContent(request);
      content.parts = last.candidates[0].content?.parts ?? [];
    }
    const calls = content.parts.filter((part) => part.functionCall).map(({ functionCall }) => functionCall);
    const texts = (thought) => content.parts.filter((part) => Boolean(part.thought) === thought).map((part) => part.text ?? '').join('');
    return {
      text: texts(false),
      streamed,
      thought: texts(true),
      calls: calls.map(({ id, name, args }) => ({ id, name, args })),
      end: calls.length > 0 ? 'calls' : ends[last.candidates[0].finishReason],
      input: last.usageMetadata.promptTokenCount,
      output: (last.usageMetadata.candidatesTokenCount ?? 0) + (last.usageMetadata.thoughtsTokenCount ?? 0),
      history: [...contents, content],
    };
  },
};

const aws = new BedrockRuntimeClient({
  region: 'us-east-1', endpoint: base, token: { token: key }, authSchemePreference: ['httpBearerAuth'], maxAttempts: 1,
  requestHandler: new NodeHttpHandler(),
});

/** AWS's Converse. A stream's blocks are put together as they come. */
const bedrock = {
  name: 'aws bedrock',
  status: (error) => error.$metadata?.httpStatusCode,
  async ask({ model, text, results = [], history = [], system, tools, schema, think, room, stream, signal }) {
    const content = [
      ...results.map(({ call, output }) => ({ toolResult: { toolUseId: call.id, content: [{ text: output }] } })),
      ...(text ? [{ text }] : []),
    ];
    const messages = [...history, { role: 'user', content }];
    const request = {
      modelId: model,
      messages,
      system: system && [{ text: system }],
      inferenceConfig: room || think ? { maxTokens: room ?? 4096 } : undefined,
      toolConfig: tools && { tools: tools.map(({ name, description, schema: json }) => ({ toolSpec: { name, description, inputSchema: { json } } })) },
      outputConfig: schema && { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'answer', schema: JSON.stringify(schema) } } } },
      additionalModelRequestFields: think ? { thinking: { type: 'enabled', budget_tokens: 1024, display: 'summarized' } } : undefined,
    };
    const options = { abortSignal: signal };
    let answer;
    let streamed;
    if (stream) {
      streamed = '';
      const blocks = [];
      answer = { output: { message: { role: 'assistant', content: blocks } } };
      for await (const event of (await aws.send(new ConverseStreamCommand(request), options)).stream) {
        const at = event.contentBlockStart?.contentBlockIndex ?? event.contentBlockDelta?.contentBlockIndex ?? event.contentBlockStop?.contentBlockIndex;
        if (event.contentBlockStart) blocks[at] = { toolUse: { ...event.contentBlockStart.start.toolUse, input: '' } };
        const delta = event.contentBlockDelta?.delta;
        if (delta?.text !== undefined) {
          blocks[at] = { text: (blocks[at]?.text ?? '') + delta.text };
          streamed += delta.text;
        }
        if (delta?.toolUse) blocks[at].toolUse.input += delta.toolUse.input;
        if (delta?.reasoningContent?.redactedContent) blocks[at] = { reasoningContent: { redactedContent: delta.reasoningContent.redactedContent } };
        else if (delta?.reasoningContent) {
          const now = blocks[at]?.reasoningContent.reasoningText ?? { text: '' };
          if (delta.reasoningContent.text !== undefined) now.text += delta.reasoningContent.text;
          if (delta.reasoningContent.signature !== undefined) now.signature = delta.reasoningContent.signature;
          blocks[at] = { reasoningContent: { reasoningText: now } };
        }
        if (event.contentBlockStop && blocks[at]?.toolUse) blocks[at].toolUse.input = JSON.parse(blocks[at].toolUse.input || '{}');
        if (event.messageStop) answer.stopReason = event.messageStop.stopReason;
        if (event.metadata) answer.usage = event.metadata.usage;
      }
      if (!answer.stopReason) return { cut: true };
    } else {
      answer = await aws.send(new ConverseCommand(request), options);
    }
    const { message } = answer.output;
    return {
      text: message.content.map((block) => block.text ?? '').join(''),
      streamed,
      thought: message.content.map((block) => block.reasoningContent?.reasoningText?.text ?? '').join(''),
      calls: message.content.filter((block) => block.toolUse).map(({ toolUse }) => ({ id: toolUse.toolUseId, name: toolUse.name, args: toolUse.input })),
      end: ends[answer.stopReason],
      input: answer.usage.inputTokens + (answer.usage.cacheReadInputTokens ?? 0) + (answer.usage.cacheWriteInputTokens ?? 0),
      output: answer.usage.outputTokens,
      history: [...messages, message],
    };
  },
};

const co = new CohereClientV2({ token: key, environment: base });

/** Cohere's second version. */
const cohere = {
  name: 'cohere',
  shows: false, // it cannot say whether thoughts are to be shown
  status: (error) => error.statusCode,
  async ask({ model, text, results = [], history = [], system, tools, schema, think, room, stream, signal }) {
    const messages = [
      ...(system && history.length === 0 ? [{ role: 'system', content: system }] : []),
      ...history,
      ...results.map(({ call, output }) => ({ role: 'tool', toolCallId: call.id, content: output })),
      ...(text ? [{ role: 'user', content: text }] : []),
    ];
    const request = {
      model,
      messages,
      maxTokens: room,
      tools: tools?.map(({ name, description, schema: parameters }) => ({ type: 'function', function: { name, description, parameters } })),
      responseFormat: schema && { type: 'json_object', jsonSchema: schema },
      thinking: think ? { type: 'enabled', tokenBudget: 1024 } : undefined,
    };
    const options = { maxRetries: 0, abortSignal: signal };
    let answer;
    let streamed;
    if (stream) {
      streamed = '';
      const message = { role: 'assistant', content: [], toolCalls: [], toolPlan: '' };
      answer = { message };
      for await (const event of await co.chatStream(request, options)) {
        const delta = event.delta?.message;
        if (event.type === 'content-start') message.content[event.index] = { ...delta.content };
        if (event.type === 'content-delta') {
          for (const member of ['text', 'thinking']) {
            if (delta.content[member] !== undefined) message.content[event.index][member] += delta.content[member];
          }
          streamed += delta.content.text ?? '';
        }
        if (event.type === 'tool-plan-delta') message.toolPlan += delta.toolPlan;
        if (event.type === 'tool-call-start') message.toolCalls[event.index] = { ...delta.toolCalls, function: { ...delta.toolCalls.function } };
        if (event.type === 'tool-call-delta') message.toolCalls[event.index].function.arguments += delta.toolCalls.function.arguments;
        if (event.type === 'message-end') {
          if (event.delta.finishReason === 'ERROR') throw new Broken(event.delta.error);
          answer.finishReason = event.delta.finishReason;
          answer.usage = event.delta.usage;
        }
      }
      if (!answer.finishReason) return { cut: true };
      if (message.toolCalls.length === 0) delete message.toolCalls;
      if (message.content.length === 0) delete message.content;
      if (!message.toolPlan) delete message.toolPlan;
    } else {
      answer = await co.chat(request, options);
    }
    const { message } = answer;
    return {
      text: (message.content ?? []).map((part) => part.text ?? '').join(''),
      streamed,
      thought: (message.content ?? []).map((part) => part.thinking ?? '').join(''),
      calls: (message.toolCalls ?? []).map((call) => ({ id: call.id, name: call.function.name, args: JSON.parse(call.function.arguments) })),
      end: ends[answer.finishReason],
      input: answer.usage.tokens.inputTokens,
      output: answer.usage.tokens.outputTokens,
      history: [...messages, message],
    };
  },
};

/** Ollama's. */
const ollama = {
  name: 'ollama',
  shows: false,
  status: (error) => error.status_code,
  async ask({ model, text, results = [], history = [], system, tools, schema, think, room, stream }) {
    const client = new Ollama({ host: base, headers: { Authorization: `Bearer ${key}` } });
    const messages = [
      ...(system && history.length === 0 ? [{ role: 'system', content: system }] : []),
      ...history,
      ...results.map(({ call, output }) => ({ role: 'tool', tool_name: call.name, content: output })),
      ...(text ? [{ role: 'user', content: text }] : []),
    ];
    const request = {
      model,
      messages,
      format: schema,
      think: think ? 'low' : undefined,
      options: room ? { num_predict: room } : undefined,
      tools: tools?.map(({ name, description, schema: parameters }) => ({ type: 'function', function: { name, description, parameters } })),
    };
    let answer;
    let streamed;
    if (stream) {
      streamed = '';
      const message = { role: 'assistant', content: '' };
      for await (const line of await client.chat({ ...request, stream: true })) {
        answer = line;
        message.content += line.message.content;
        streamed += line.message.content;
        if (line.message.thinking) message.thinking = (message.thinking ?? '') + line.message.thinking;
        if (line.message.tool_calls) message.tool_calls = [...(message.tool_calls ?? []), ...line.message.tool_calls];
      }
      if (!answer?.done) return { cut: true };
      answer = { ...answer, message };
    } else {
      answer = await client.chat(request);
    }
    const { message } = answer;
    const calls = (message.tool_calls ?? []).map((call) => ({ id: call.id, name: call.function.name, args: call.function.arguments }));
    return {
      text: message.content,
      streamed,
      thought: message.thinking ?? '',
      calls,
      end: calls.length > 0 ? 'calls' : ends[answer.done_reason],
      input: answer.prompt_eval_count,
      output: answer.eval_count,
      history: [...messages, message],
    };
  },
};

/** Google's helper for conversations, which keeps the history itself. */
export const chat = (model) => genai.chats.create({ model });

/** Lets go of the connections that would keep the process alive. */
export const close = () => aws.destroy();

export const sdks = [responses, gemini, bedrock, cohere, ollama];
