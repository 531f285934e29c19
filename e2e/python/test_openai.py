"""The OpenAI SDK against both upstream dialects."""

import json

import openai
import pytest
from conftest import (
    CLOCK, NARROW, PERSON, PNG, WEATHER, ask, check_person, check_weather, nothing_open, openai_client,
)

client = openai_client()


def tool(of):
    return {
        "type": "function",
        "function": {"name": of["name"], "description": of["description"], "parameters": of["schema"]},
    }


def create(model, **more):
    return client.chat.completions.create(**{"model": model, "messages": ask("Hello"), **more})


def test_plain(via):
    raw = client.chat.completions.with_raw_response.create(model=f"{via}/sim-1", messages=ask("A plain question"))
    answer = raw.parse()
    assert "plain question" in answer.choices[0].message.content.lower()
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert raw.headers["x-weir-target"] == f"{via}/sim-1"
    assert len(raw.headers["x-weir-id"]) == 36


def test_image(via):
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
    ]
    answer = create(f"{via}/sim-1", messages=[{"role": "user", "content": content}])
    assert "image" in answer.choices[0].message.content.lower()


def test_streamed(via):
    chunks = list(create(
        f"{via}/sim-1", messages=ask("Stream ä 漢 🙂 please"), stream=True, stream_options={"include_usage": True},
    ))
    content = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert "漢 🙂" in content
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert [bool(c.usage) for c in chunks] == [False] * (len(chunks) - 1) + [True]
    assert chunks[-1].choices == []


def test_stream_helper(via):
    with client.chat.completions.stream(model=f"{via}/sim-1", messages=ask("With the helper")) as stream:
        content = "".join(e.delta for e in stream if e.type == "content.delta")
        final = stream.get_final_completion()
    assert final.choices[0].message.content == content != ""


def test_tools(via):
    request = {"model": f"{via}/sim-tools", "tools": [tool(WEATHER)]}
    messages = ask("What is the weather? Use get_weather.")
    plain = client.chat.completions.create(**request, messages=messages).choices[0]
    with client.chat.completions.stream(**request, messages=messages) as stream:
        streamed = stream.get_final_completion().choices[0]
    for first in plain, streamed:
        assert first.finish_reason == "tool_calls"
        (call,) = first.message.tool_calls
        assert call.function.name == "get_weather"
        check_weather(json.loads(call.function.arguments))
        assistant = {
            "role": "assistant",
            "tool_calls": [{
                "id": call.id,
                "type": "function",
                "function": {"name": call.function.name, "arguments": call.function.arguments},
            }],
        }
        result = {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"}
        second = client.chat.completions.create(**request, messages=[*messages, assistant, result]).choices[0]
        assert second.finish_reason == "stop"
        assert "18 degrees" in second.message.content


def test_parallel_tools(via):
    request = {
        "model": f"{via}/sim-tools",
        "messages": ask("Use get_weather and get_time, please."),
        "tools": [tool(WEATHER), tool(CLOCK)],
    }
    plain = client.chat.completions.create(**request).choices[0].message
    with client.chat.completions.stream(**request) as stream:
        streamed = stream.get_final_completion().choices[0].message
    for message in plain, streamed:
        assert sorted(c.function.name for c in message.tool_calls) == ["get_time", "get_weather"]
        assert len({c.id for c in message.tool_calls}) == 2
        for call in message.tool_calls:
            json.loads(call.function.arguments)


def test_structured_output(via):
    shape = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
    answer = create(f"{via}/sim-1", messages=ask("Describe a person"), response_format=shape)
    check_person(answer.choices[0].message.content)


def test_structured_output_parsed(via):
    from pydantic import BaseModel

    class Person(BaseModel):
        name: str
        age: int

    answer = client.chat.completions.parse(
        model=f"{via}/sim-1", messages=ask("Describe a person"), response_format=Person,
    )
    assert isinstance(answer.choices[0].message.parsed, Person)


def test_thinking(via):
    request = {"model": f"{via}/sim-think", "reasoning_effort": "low", "messages": ask("Think about it")}
    assert client.chat.completions.create(**request).choices[0].message.reasoning_content
    chunks = list(client.chat.completions.create(**request, stream=True))
    assert "".join(getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in chunks if c.choices)


def test_embeddings():
    decoded = client.embeddings.create(model="sim-chat/sim-embed", input=["one text", "another text"])
    floats = client.embeddings.create(model="sim-chat/sim-embed", input=["one text", "another text"], encoding_format="float")
    for a, b in zip(decoded.data, floats.data, strict=True):
        assert a.embedding == pytest.approx(b.embedding, abs=1e-6)
    assert len(client.embeddings.create(model="sim-chat/sim-embed", input="x", dimensions=8).data[0].embedding) == 8


def test_models():
    assert {"chat-plain", "msg-plain"} <= {m.id for m in client.models.list()}
    assert client.models.retrieve("chat-plain").id == "chat-plain"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("unheard-of")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "error", "statuses"), [
    ("sim-429", openai.RateLimitError, {429}),
    ("sim-overloaded", openai.InternalServerError, {503, 529}),
    ("sim-500", openai.InternalServerError, {500, 502}),
    ("sim-503", openai.InternalServerError, {503}),
    ("sim-context", openai.BadRequestError, {400}),
    ("sim-unheard-of", openai.NotFoundError, {404}),
])
def test_faults_before_the_answer(via, model, error, statuses, stream):
    with pytest.raises(error) as caught:
        create(f"{via}/{model}", stream=stream)
    assert caught.value.status_code in statuses
    assert isinstance(caught.value.body["message"], str)
    assert caught.value.request_id
    if model == "sim-429":
        assert caught.value.response.headers["retry-after"] == "1"


@pytest.mark.parametrize("model", ["sim-cut", "sim-error-in-stream", "sim-error-first", "sim-stall"])
def test_faults_within_the_answer(via, model):
    with pytest.raises(openai.APIError):
        for _ in create(f"{via}/{model}", stream=True):
            pass
    with pytest.raises(openai.OpenAIError), client.chat.completions.stream(
        model=f"{via}/{model}", messages=ask("Break"),
    ) as stream:
        stream.get_final_completion()


def test_cut_in_a_whole_answer(via):
    with pytest.raises(openai.APIError):
        create(f"{via}/sim-cut")


def test_the_client_leaves(via):
    with create(f"{via}/sim-long", stream=True) as stream:
        for n, _ in enumerate(stream):
            if n == 3:
                break
    nothing_open()
    with pytest.raises(openai.APITimeoutError):
        create(f"{via}/sim-hang", timeout=0.3)
    nothing_open()


def test_refused_at_the_door():
    def hello(model, **options):
        openai_client(**options).chat.completions.create(model=model, messages=ask("Hello"))

    with pytest.raises(openai.AuthenticationError) as caught:
        hello("chat-plain", api_key="wr-wrong-0123456789abcdef")
    assert "0123456789abcdef" not in str(caught.value)
    with pytest.raises(openai.NotFoundError):
        hello("unheard-of")
    with pytest.raises(openai.PermissionDeniedError):
        hello("sim-chat/sim-1", api_key=NARROW)
