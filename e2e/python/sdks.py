"""The SDKs of the dialects beside Chat Completions and Messages, each behind the same few words.

ask(model, …) asks a question, with the conversation so far as the SDK has it, and returns what was said, called and
counted. What a client must do to notice that a stream broke is done here; nothing else is.
"""

import json
from dataclasses import dataclass, field
from functools import cache

import boto3
import cohere
import ollama
import openai
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cohere.core.api_error import ApiError
from conftest import BASE, KEY, openai_client
from google import genai
from google.genai import errors, types


class Broken(Exception):
    """An error that came within a stream."""


@dataclass
class Answer:
    text: str = ""
    thought: str = ""
    calls: list = field(default_factory=list)  # of (id, name, arguments)
    history: list = field(default_factory=list)
    input: int = 0
    output: int = 0
    ended: bool = True


class Responses:
    name = "openai responses"
    shows = ids = True
    errors = openai.APIError

    @staticmethod
    def status(error):
        return error.status_code

    @staticmethod
    def ask(model, text=None, results=(), history=(), tools=(), schema=None, think=False, stream=False):
        input = [
            *history,
            *({"type": "function_call_output", "call_id": call[0], "output": output} for call, output in results),
            *([{"role": "user", "content": text}] if text else []),
        ]
        request = {"model": model, "input": input, "store": False, "include": ["reasoning.encrypted_content"]}
        if tools:
            request["tools"] = [
                {"type": "function", "name": t["name"], "description": t["description"], "parameters": t["schema"], "strict": True}
                for t in tools
            ]
        if think:
            request["reasoning"] = {"effort": "low", "summary": "auto"}
        if schema:
            request["text"] = {"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": True}}
        client = openai_client()
        if stream:
            answer = None
            for event in client.responses.create(**request, stream=True):
                if event.type in ("error", "response.failed"):
                    raise Broken(event)
                if event.type in ("response.completed", "response.incomplete"):
                    answer = event.response
            if answer is None:
                return Answer(ended=False)
        else:
            answer = client.responses.create(**request)
        return Answer(
            text=answer.output_text,
            # What was thought is a summary, or where a model shows its thoughts themselves, content.
            thought="".join(p.text for i in answer.output if i.type == "reasoning" for p in [*i.summary, *(i.content or [])]),
            calls=[(i.call_id, i.name, json.loads(i.arguments)) for i in answer.output if i.type == "function_call"],
            history=[*input, *(i.model_dump(exclude_none=True) for i in answer.output)],
            input=answer.usage.input_tokens,
            output=answer.usage.output_tokens,
        )


google = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=BASE, api_version="v1beta"))


class Gemini:
    name = "google genai"
    shows = ids = True
    errors = errors.APIError

    @staticmethod
    def status(error):
        return error.code

    @staticmethod
    def ask(model, text=None, results=(), history=(), tools=(), schema=None, think=False, stream=False):
        parts = [
            types.Part(function_response=types.FunctionResponse(id=call[0], name=call[1], response={"output": output}))
            for call, output in results
        ]
        if text:
            parts.append(types.Part(text=text))
        contents = [*history, types.Content(role="user", parts=parts)]
        config = types.GenerateContentConfig(automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True))
        if tools:
            config.tools = [types.Tool(function_declarations=[
                types.FunctionDeclaration(name=t["name"], description=t["description"], parameters_json_schema=t["schema"])
                for t in tools
            ])]
        if schema:
            config.response_mime_type, config.response_json_schema = "application/json", schema
        if think:
            config.thinking_config = types.ThinkingConfig(include_thoughts=True, thinking_budget=1024)
        said, last = [], None
        if stream:
            for last in google.models.generate_content_stream(model=model, contents=contents, config=config):
                if last.candidates and last.candidates[0].content:
                    # An empty text is not taken back, but for the signature it brings.
                    said += [p for p in last.candidates[0].content.parts or [] if p.text != "" or p.thought_signature]
            if last is None or not last.candidates or not last.candidates[0].finish_reason:
                return Answer(ended=False)
        else:
            last = google.models.generate_content(model=model, contents=contents, config=config)
            said = last.candidates[0].content.parts or []
        usage = last.usage_metadata
        return Answer(
            text="".join(p.text or "" for p in said if not p.thought),
            thought="".join(p.text or "" for p in said if p.thought),
            calls=[(p.function_call.id, p.function_call.name, p.function_call.args) for p in said if p.function_call],
            history=[*contents, types.Content(role="model", parts=said)],
            input=usage.prompt_token_count,
            output=(usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0),
        )


class Bedrock:
    name = "aws bedrock"
    shows = ids = True
    errors = ClientError

    @staticmethod
    @cache
    def client():
        # The SDK sends its bearer token over TLS only; here its header is put on what it leaves unsigned.
        client = boto3.client(
            "bedrock-runtime", region_name="us-east-1", endpoint_url=BASE,
            config=Config(retries={"total_max_attempts": 1}, signature_version=UNSIGNED, read_timeout=30),
        )
        client.meta.events.register("before-send", lambda request, **_: request.headers.update(Authorization=f"Bearer {KEY}"))
        return client

    @staticmethod
    def status(error):
        return error.response["ResponseMetadata"]["HTTPStatusCode"]

    @classmethod
    def ask(cls, model, text=None, results=(), history=(), tools=(), schema=None, think=False, stream=False):
        content = [{"toolResult": {"toolUseId": call[0], "content": [{"text": output}]}} for call, output in results]
        if text:
            content.append({"text": text})
        messages = [*history, {"role": "user", "content": content}]
        request = {"modelId": model, "messages": messages}
        if tools:
            request["toolConfig"] = {"tools": [
                {"toolSpec": {"name": t["name"], "description": t["description"], "inputSchema": {"json": t["schema"]}}}
                for t in tools
            ]}
        if schema:
            shape = {"jsonSchema": {"name": "answer", "schema": json.dumps(schema)}}
            request["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": shape}}
        if think:
            request["inferenceConfig"] = {"maxTokens": 4096}
            request["additionalModelRequestFields"] = {"thinking": {"type": "enabled", "budget_tokens": 1024, "display": "summarized"}}
        if stream:
            blocks, ended, usage = {}, False, None
            for event in cls.client().converse_stream(**request)["stream"]:
                if start := event.get("contentBlockStart"):
                    blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
                if delta := event.get("contentBlockDelta"):
                    cls.grow(blocks, delta["contentBlockIndex"], delta["delta"])
                ended = ended or "messageStop" in event
                usage = event.get("metadata", {}).get("usage", usage)
            if not ended:
                return Answer(ended=False)
            said = [blocks[i] for i in sorted(blocks)]
            for block in said:
                if "toolUse" in block:
                    block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
        else:
            answer = cls.client().converse(**request)
            said, usage = answer["output"]["message"]["content"], answer["usage"]
        calls = [b["toolUse"] for b in said if "toolUse" in b]
        thoughts = [b["reasoningContent"].get("reasoningText", {}) for b in said if "reasoningContent" in b]
        return Answer(
            text="".join(b.get("text", "") for b in said),
            thought="".join(t.get("text", "") for t in thoughts),
            calls=[(c["toolUseId"], c["name"], c["input"]) for c in calls],
            history=[*messages, {"role": "assistant", "content": said}],
            input=usage["inputTokens"],
            output=usage["outputTokens"],
        )

    @staticmethod
    def grow(blocks, at, delta):
        """Adds what an event brings to the block it is for."""
        if "text" in delta:
            blocks.setdefault(at, {"text": ""})["text"] += delta["text"]
        if "toolUse" in delta:
            blocks[at]["toolUse"]["input"] += delta["toolUse"]["input"]
        if reasoning := delta.get("reasoningContent"):
            if "redactedContent" in reasoning:
                blocks[at] = {"reasoningContent": reasoning}
                return
            text = blocks.setdefault(at, {"reasoningContent": {"reasoningText": {"text": ""}}})["reasoningContent"]["reasoningText"]
            text["text"] += reasoning.get("text", "")
            if "signature" in reasoning:
                text["signature"] = reasoning["signature"]


class Cohere:
    name = "cohere"
    shows, ids = False, True  # it cannot say whether thoughts are to be shown
    errors = ApiError

    @staticmethod
    def status(error):
        return error.status_code

    @staticmethod
    def ask(model, text=None, results=(), history=(), tools=(), schema=None, think=False, stream=False):
        client = cohere.ClientV2(api_key=KEY, base_url=BASE)
        messages = [
            *history,
            *({"role": "tool", "tool_call_id": call[0], "content": output} for call, output in results),
            *([{"role": "user", "content": text}] if text else []),
        ]
        request = {"model": model, "messages": messages, "request_options": {"max_retries": 0}}
        if tools:
            request["tools"] = [
                {"type": "function", "function": {"name": t["name"], "description": t["description"], "parameters": t["schema"]}}
                for t in tools
            ]
        if schema:
            request["response_format"] = {"type": "json_object", "json_schema": schema}
        if think:
            request["thinking"] = {"type": "enabled", "token_budget": 1024}
        if stream:
            content, calls, plan, end = {}, {}, "", None
            for event in client.chat_stream(**request):
                delta = getattr(getattr(event, "delta", None), "message", None)
                if event.type == "content-start":
                    kind = delta.content.type
                    content[event.index] = {"type": kind, kind: ""}
                elif event.type == "content-delta":
                    part = content[event.index]
                    part[part["type"]] += getattr(delta.content, part["type"]) or ""
                elif event.type == "tool-plan-delta":
                    plan += delta.tool_plan
                elif event.type == "tool-call-start":
                    calls[event.index] = delta.tool_calls.model_dump(exclude_none=True)
                elif event.type == "tool-call-delta":
                    calls[event.index]["function"]["arguments"] += delta.tool_calls.function.arguments
                elif event.type == "message-end":
                    if event.delta.finish_reason == "ERROR":
                        raise Broken(event.delta.error)
                    end = event.delta
            if end is None:
                return Answer(ended=False)
            message, usage = {"role": "assistant"}, end.usage
            if content:
                message["content"] = [content[i] for i in sorted(content)]
            if calls:
                message["tool_calls"] = [calls[i] for i in sorted(calls)]
            if plan:
                message["tool_plan"] = plan
        else:
            answer = client.chat(**request)
            message, usage = answer.message.model_dump(exclude_none=True), answer.usage
        parts = message.get("content") or []
        return Answer(
            text="".join(p.get("text", "") for p in parts),
            thought="".join(p.get("thinking", "") for p in parts),
            calls=[(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"])) for c in message.get("tool_calls") or []],
            history=[*messages, message],
            input=usage.tokens.input_tokens,
            output=usage.tokens.output_tokens,
        )


class Ollama:
    name = "ollama"
    shows = ids = False  # its types of calls have none
    errors = ollama.ResponseError

    @staticmethod
    def status(error):
        return error.status_code

    @staticmethod
    def ask(model, text=None, results=(), history=(), tools=(), schema=None, think=False, stream=False):
        client = ollama.Client(host=BASE, headers={"Authorization": f"Bearer {KEY}"})
        messages = [
            *history,
            *({"role": "tool", "tool_name": call[1], "content": output} for call, output in results),
            *([{"role": "user", "content": text}] if text else []),
        ]
        request = {"model": model, "messages": messages, "format": schema, "think": "low" if think else None}
        if tools:
            request["tools"] = [
                {"type": "function", "function": {"name": t["name"], "description": t["description"], "parameters": t["schema"]}}
                for t in tools
            ]
        if stream:
            message, last = {"role": "assistant", "content": ""}, None
            for last in client.chat(**request, stream=True):
                message["content"] += last.message.content or ""
                if last.message.thinking:
                    message["thinking"] = message.get("thinking", "") + last.message.thinking
                if last.message.tool_calls:
                    message.setdefault("tool_calls", []).extend(c.model_dump() for c in last.message.tool_calls)
            if last is None or not last.done:
                return Answer(ended=False)
        else:
            last = client.chat(**request)
            message = last.message.model_dump(exclude_none=True)
        calls = message.get("tool_calls") or []
        return Answer(
            text=message.get("content") or "",
            thought=message.get("thinking") or "",
            calls=[(None, c["function"]["name"], dict(c["function"]["arguments"])) for c in calls],
            history=[*messages, message],
            input=last.prompt_eval_count,
            output=last.eval_count,
        )


SDKS = [Responses, Gemini, Bedrock, Cohere, Ollama]
