"""The Anthropic SDK against both upstream dialects."""

import anthropic
import pytest
from conftest import (
    CLOCK, NARROW, PERSON, PNG, WEATHER, anthropic_client, ask, check_person, check_weather, nothing_open,
)

client = anthropic_client()


def tool(of):
    return {"name": of["name"], "description": of["description"], "input_schema": of["schema"]}


def create(model, **more):
    return client.messages.create(**{"model": model, "max_tokens": 2000, "messages": ask("Hello"), **more})


def streamed(**request):
    with client.messages.stream(**request) as stream:
        return stream.get_final_message()


def text(message):
    return "".join(b.text for b in message.content if b.type == "text")


def calls(message):
    return [b for b in message.content if b.type == "tool_use"]


def back(messages, first, results):
    """The conversation after a turn whose tools were run."""
    assistant = {"role": "assistant", "content": [b.model_dump(exclude_none=True) for b in first.content]}
    blocks = [{"type": "tool_result", "tool_use_id": c.id, "content": r} for c, r in zip(calls(first), results, strict=True)]
    return [*messages, assistant, {"role": "user", "content": blocks}]


def test_plain(via):
    raw = client.messages.with_raw_response.create(
        model=f"{via}/sim-1", max_tokens=2000, system="Be brief.", messages=ask("A plain question"),
    )
    message = raw.parse()
    assert "plain question" in text(message).lower()
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0
    assert raw.headers["x-weir-target"] == f"{via}/sim-1"
    assert len(raw.headers["x-weir-id"]) == 36


def test_image(via):
    content = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {"type": "text", "text": "What is this?"},
    ]
    assert "image" in text(create(f"{via}/sim-1", messages=[{"role": "user", "content": content}])).lower()


def test_streamed(via):
    with client.messages.stream(
        model=f"{via}/sim-1", max_tokens=2000, messages=ask("Stream ä 漢 🙂 please"),
    ) as stream:
        deltas = "".join(stream.text_stream)
        message = stream.get_final_message()
    assert "漢 🙂" in deltas
    assert text(message) == deltas
    assert message.stop_reason == "end_turn"
    assert message.usage.input_tokens > 0 and message.usage.output_tokens > 0


@pytest.mark.parametrize("ask_for", [client.messages.create, streamed])
def test_tools(via, ask_for):
    request = {"model": f"{via}/sim-tools", "max_tokens": 2000, "tools": [tool(WEATHER)]}
    messages = ask("What is the weather? Use get_weather.")
    first = ask_for(**request, messages=messages)
    assert first.stop_reason == "tool_use"
    (call,) = calls(first)
    assert call.name == "get_weather"
    check_weather(call.input)
    second = client.messages.create(**request, messages=back(messages, first, ["18 degrees"]))
    assert second.stop_reason == "end_turn"
    assert "18 degrees" in text(second)


@pytest.mark.parametrize("ask_for", [client.messages.create, streamed])
def test_parallel_tools(via, ask_for):
    request = {"model": f"{via}/sim-tools", "max_tokens": 2000, "tools": [tool(WEATHER), tool(CLOCK)]}
    messages = ask("Use get_weather and get_time, please.")
    first = ask_for(**request, messages=messages)
    assert sorted(c.name for c in calls(first)) == ["get_time", "get_weather"]
    assert len({c.id for c in calls(first)}) == 2
    second = client.messages.create(**request, messages=back(messages, first, ["result one", "result two"]))
    assert "result one" in text(second) and "result two" in text(second)


@pytest.mark.parametrize("ask_for", [client.messages.create, streamed])
def test_structured_output(via, ask_for):
    message = ask_for(
        model=f"{via}/sim-1", max_tokens=2000, messages=ask("Describe a person"),
        output_config={"format": {"type": "json_schema", "schema": PERSON}},
    )
    check_person(text(message))


@pytest.mark.parametrize("ask_for", [client.messages.create, streamed])
def test_thinking_and_on_with_its_signature(via, ask_for):
    request = {
        "model": f"{via}/sim-think",
        "max_tokens": 4000,
        "tools": [tool(WEATHER)],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    messages = ask("Think about get_weather, then use it.")
    first = ask_for(**request, messages=messages)
    assert first.content[0].type == "thinking"
    assert first.content[0].thinking
    if via == "sim-msg":
        assert first.content[0].signature
    assert len(calls(first)) == 1
    second = client.messages.create(**request, messages=back(messages, first, ["fog"]))
    assert "fog" in text(second)


def test_models():
    assert {"chat-plain", "msg-plain"} <= {m.id for m in client.models.list()}
    assert client.models.retrieve("msg-plain").id == "msg-plain"
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("unheard-of")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "error", "statuses"), [
    ("sim-429", anthropic.RateLimitError, {429}),
    ("sim-overloaded", anthropic.InternalServerError, {503, 529}),
    ("sim-500", anthropic.InternalServerError, {500, 502}),
    ("sim-503", anthropic.InternalServerError, {503, 529}),
    ("sim-context", anthropic.BadRequestError, {400}),
    ("sim-unheard-of", anthropic.NotFoundError, {404}),
])
def test_faults_before_the_answer(via, model, error, statuses, stream):
    with pytest.raises(error) as caught:
        create(f"{via}/{model}", stream=stream)
    assert caught.value.status_code in statuses
    assert caught.value.body["type"] == "error"
    assert caught.value.request_id
    if model == "sim-429":
        assert caught.value.response.headers["retry-after"] == "1"


@pytest.mark.parametrize("model", ["sim-cut", "sim-error-in-stream", "sim-error-first", "sim-stall"])
def test_faults_within_the_answer(via, model):
    with pytest.raises(anthropic.AnthropicError):
        for _ in create(f"{via}/{model}", stream=True):
            pass
    with pytest.raises(anthropic.AnthropicError):
        streamed(model=f"{via}/{model}", max_tokens=2000, messages=ask("Break"))


def test_cut_in_a_whole_answer(via):
    with pytest.raises(anthropic.AnthropicError):
        create(f"{via}/sim-cut")


def test_the_client_leaves(via):
    with create(f"{via}/sim-long", stream=True) as stream:
        for n, _ in enumerate(stream):
            if n == 3:
                break
    nothing_open()
    with pytest.raises(anthropic.APITimeoutError):
        create(f"{via}/sim-hang", timeout=0.3)
    nothing_open()


def test_refused_at_the_door():
    def hello(model, **options):
        anthropic_client(**options).messages.create(model=model, max_tokens=100, messages=ask("Hello"))

    with pytest.raises(anthropic.AuthenticationError) as caught:
        hello("msg-plain", api_key="wr-wrong-0123456789abcdef")
    assert "0123456789abcdef" not in str(caught.value)
    with pytest.raises(anthropic.NotFoundError):
        hello("unheard-of")
    with pytest.raises(anthropic.PermissionDeniedError):
        hello("sim-msg/sim-1", api_key=NARROW)
