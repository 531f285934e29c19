"""The SDKs of sdks.py against every upstream dialect. WEIR_DIRECT leaves the gateway out."""

from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import BASE, CLOCK, DIRECT, EVERYWHERE, KEY, PERSON, WEATHER, check_person, check_weather, nothing_open
from sdks import SDKS

VIAS = ["itself"] if DIRECT else EVERYWHERE
SHY = ["sim-resp", "sim-gem"]  # their thoughts come only when they are asked for

every_sdk = pytest.mark.parametrize("sdk", SDKS, ids=lambda s: s.name)
whole_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def everywhere(check):
    """Runs a check through every upstream side by side: most of the time is spent waiting for a model to speak."""

    def one(via):
        try:
            check(via, lambda model: model if DIRECT else f"{via}/{model}")
        except Exception as error:
            error.add_note(f"via {via}")
            return error
        return None

    with ThreadPoolExecutor(max_workers=len(VIAS)) as pool:
        errors = [error for error in pool.map(one, VIAS) if error]
    if errors:
        raise ExceptionGroup(f"{len(errors)} of {len(VIAS)} upstreams", errors)


@every_sdk
@whole_and_streamed
def test_plain(sdk, stream):
    def check(via, named):
        first = sdk.ask(named("sim-1"), text="A plain question: ä 漢 🙂?", stream=stream)
        assert "A plain question: ä 漢 🙂?" in first.text
        assert first.input > 0 < first.output
        second = sdk.ask(named("sim-1"), text="And then?", history=first.history, stream=stream)
        assert "message 2 of our conversation" in second.text

    everywhere(check)


@every_sdk
@whole_and_streamed
def test_parallel_tools_there_and_back(sdk, stream):
    tools = [WEATHER, CLOCK]

    def check(via, named):
        first = sdk.ask(named("sim-tools"), text="Use get_weather and get_time, please.", tools=tools, stream=stream)
        assert [name for _, name, _ in first.calls] == ["get_weather", "get_time"]
        check_weather(first.calls[0][2])
        results = [(call, f"result of {call[1]}") for call in first.calls]
        second = sdk.ask(named("sim-1"), results=results, history=first.history, tools=tools, stream=stream)
        assert "get_weather returned: “result of get_weather”" in second.text
        assert "get_time returned: “result of get_time”" in second.text

    everywhere(check)


@every_sdk
@whole_and_streamed
def test_structured_output(sdk, stream):
    def check(via, named):
        check_person(sdk.ask(named("sim-1"), text="Describe a person", schema=PERSON, stream=stream).text)

    everywhere(check)


@every_sdk
@whole_and_streamed
def test_thinking_continued_with_its_seal(sdk, stream):
    more = {"tools": [WEATHER], "think": True, "stream": stream}

    def check(via, named):
        # Who hands calls back without their ids cannot be helped to the seals that stood on them; a model's name can.
        model = named("gemini-3-sim" if via == "sim-gem" and not sdk.ids else "sim-think")
        first = sdk.ask(model, text="Think about get_weather, then use it.", **more)
        assert "I am simulated" in first.thought or not sdk.shows and via in SHY
        (call,) = first.calls
        second = sdk.ask(model, results=[(call, "fog")], history=first.history, **more)
        assert "get_weather returned: “fog”" in second.text

    everywhere(check)


def caught(sdk, model, **more):
    """Returns the answer, or the error there was."""
    try:
        return sdk.ask(model, **more)
    except Exception as error:
        return error


@every_sdk
@whole_and_streamed
def test_faults_before_the_answer(sdk, stream):
    table = {
        "sim-429": {429}, "sim-overloaded": {503, 529}, "sim-500": {500, 502}, "sim-503": {503}, "sim-context": {400},
        "sim-unheard-of": {400, 404},
    }

    def check(via, named):
        for model, statuses in table.items():
            error = caught(sdk, named(model), text="Fail", stream=stream)
            assert isinstance(error, sdk.errors), (model, error)
            assert sdk.status(error) in statuses, (model, error)

    everywhere(check)


@every_sdk
def test_faults_within_the_answer(sdk):
    def check(via, named):
        for model in "sim-error-in-stream", "sim-error-first", "sim-cut":
            answer = caught(sdk, named(model), text="Break", stream=True)
            # Through the gateway a cut is said; alone, its absence of an end shows it.
            assert isinstance(answer, Exception) or DIRECT and not answer.ended, (model, answer)
        assert isinstance(caught(sdk, named("sim-cut"), text="Break"), Exception)

    everywhere(check)
    nothing_open()


@pytest.mark.skipif(not DIRECT, reason="clients of the gateway bring a bearer token")
def test_signatures_of_aws_are_understood():
    def client(secret):
        return boto3.client(
            "bedrock-runtime", region_name="eu-central-1", endpoint_url=BASE,
            aws_access_key_id="AKIDSIM", aws_secret_access_key=secret, config=Config(retries={"total_max_attempts": 1}),
        )

    request = {"modelId": "sim-1", "messages": [{"role": "user", "content": [{"text": "Signed ä"}]}]}
    assert "Signed ä" in client(KEY).converse(**request)["output"]["message"]["content"][0]["text"]
    with pytest.raises(ClientError) as caught:
        client("another").converse(**request)
    assert caught.value.response["Error"]["Code"] == "InvalidSignatureException"
    # A name that is encoded in the path is signed as it stands there.
    with pytest.raises(ClientError) as caught:
        client(KEY).converse(**{**request, "modelId": "us.none:0"})
    assert "model identifier is invalid" in str(caught.value)
