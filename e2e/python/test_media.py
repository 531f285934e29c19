"""The OpenAI SDK for images and sound: forms go up, files and streams come back."""

import base64
import struct

import httpx
import openai
import pytest
from conftest import openai_client

client = openai_client()

IMAGE, VOICE, EAR = "sim-chat/sim-image", "sim-chat/sim-voice", "sim-chat/sim-transcribe"


def say(**more):
    return client.audio.speech.create(**{"model": VOICE, "voice": "alloy", "input": "Spoken by nobody at all.", **more})


def png(image):
    raw = base64.b64decode(image.b64_json)
    assert raw[1:4] == b"PNG"
    return raw


def test_images():
    answer = client.images.generate(model=IMAGE, prompt="A cat", n=2)
    assert len(answer.data) == 2
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    raw = png(answer.data[0])
    edited = client.images.edit(model=IMAGE, prompt="With a hat", image=[("ä.png", raw), ("b.png", raw)])
    png(edited.data[0])
    assert edited.usage.input_tokens_details.image_tokens == 500
    png(client.images.create_variation(model=IMAGE, image=("a.png", raw)).data[0])
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.edit(model=IMAGE, prompt="x", image=("a.png", b"no image"))
    assert refused.value.param == "image"


def test_images_streamed():
    events = list(client.images.generate(model=IMAGE, prompt="A cat", stream=True, partial_images=1))
    assert [e.type for e in events] == ["image_generation.partial_image", "image_generation.completed"]
    for event in events:
        png(event)


def test_speech():
    sound = say(response_format="wav").read()
    assert sound[:4] == b"RIFF" and struct.unpack("<I", sound[40:44])[0] == len(sound) - 44
    with client.audio.speech.with_streaming_response.create(
        model=VOICE, voice="alloy", input="Spoken by nobody at all.", response_format="pcm",
    ) as answer:
        assert answer.headers["content-type"] == "audio/pcm"
        pieces = list(answer.iter_bytes())
    assert len(pieces) > 1 and len(b"".join(pieces)) == len(sound) - 44


def test_speech_cut():
    with pytest.raises((openai.APIConnectionError, httpx.RemoteProtocolError)):
        say(model="sim-chat/sim-cut").read()


def test_heard():
    sound = say(response_format="wav").read()

    def ask(**more):
        return client.audio.transcriptions.create(**{"model": EAR, "file": ("sound.wav", sound), **more})

    plain = ask()
    assert f"{len(sound)} bytes of wav" in plain.text
    assert plain.usage.type == "tokens" and plain.usage.input_token_details.audio_tokens > 0
    assert ask(response_format="srt").startswith("1\n00:00:00,000 --> ")
    full = ask(response_format="verbose_json", timestamp_granularities=["segment"])
    assert float(full.duration) > 0 and full.segments[0].text == plain.text
    events = list(ask(stream=True))
    assert "".join(e.delta for e in events[:-1]) == events[-1].text == plain.text
    assert client.audio.translations.create(model=EAR, file=("sound.wav", sound)).text == plain.text
    with pytest.raises(openai.NotFoundError):
        ask(model="sim-chat/unheard-of")
