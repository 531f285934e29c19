"""What the tests of both SDKs share: where the gateway is, the tools, small checks."""

import json
import os
import time
import urllib.request

import anthropic
import openai
import pytest


def needed(name):
    value = os.environ.get(name)
    if not value:
        pytest.exit(f"{name} is not set: run these tests with `make e2e`", returncode=2)
    return value


BASE = needed("WEIR_URL")
KEY = needed("WEIR_KEY")
NARROW = needed("WEIR_NARROW_KEY")
CONTROL = needed("WEIR_CONTROL")
EVERYWHERE = needed("WEIR_UPSTREAMS").split()  # the same simulated provider in every dialect it can be reached in
DIRECT = bool(os.environ.get("WEIR_DIRECT"))  # the address is the simulated provider itself

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "schema": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 1},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
}

CLOCK = {
    "name": "get_time",
    "description": "The time in a city",
    "schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "minLength": 1}},
        "required": ["city"],
        "additionalProperties": False,
    },
}

PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "age": {"type": "integer", "minimum": 0, "maximum": 120},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["name", "age", "tags"],
    "additionalProperties": False,
}

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def openai_client(**options):
    return openai.OpenAI(**{"base_url": f"{BASE}/v1", "api_key": KEY, "max_retries": 0, **options})


def anthropic_client(**options):
    return anthropic.Anthropic(**{"base_url": BASE, "api_key": KEY, "max_retries": 0, **options})


@pytest.fixture(params=["sim-chat", "sim-msg"])
def via(request):
    """The upstream: the same simulated provider, reached in one dialect or the other."""
    return request.param


def ask(text):
    return [{"role": "user", "content": text}]


def check_weather(args):
    assert isinstance(args["city"], str) and args["city"]
    assert args["unit"] in ("celsius", "fahrenheit")


def check_person(text):
    value = json.loads(text)
    assert sorted(value) == ["age", "name", "tags"]
    assert isinstance(value["name"], str)
    assert isinstance(value["age"], int) and 0 <= value["age"] <= 120
    assert isinstance(value["tags"], list)


def nothing_open():
    """Waits until the simulated provider has no request open: what a client left must have ended upstream."""
    for _ in range(100):
        with urllib.request.urlopen(f"{CONTROL}/open") as answer:
            count = json.load(answer)
        if count == 0:
            return
        time.sleep(0.05)
    raise AssertionError(f"{count} requests are still open upstream, five seconds after their clients left")
