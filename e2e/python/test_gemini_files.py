"""Gemini's files through Google's SDK, whose parts of an upload carry no key."""

import io
import time

import pytest
from conftest import BASE, KEY, NARROW
from google import genai
from google.genai import errors, types

MODEL = "sim-gem/sim-1"


def client(key):
    return genai.Client(api_key=key, http_options=types.HttpOptions(base_url=BASE, api_version="v1beta"))


def test_files():
    google = client(KEY)
    data = io.BytesIO(b"film" * (5 << 20))
    film = google.files.upload(file=data, config=types.UploadFileConfig(mime_type="video/mp4", display_name="film"))
    assert film.name.startswith("files/wr1_")
    assert film.uri == f"{BASE}/v1beta/{film.name}"
    assert film.size_bytes == 20 << 20
    for _ in range(50):
        if film.state == types.FileState.ACTIVE:
            break
        time.sleep(0.1)
        film = google.files.get(name=film.name)
    assert film.state == types.FileState.ACTIVE

    answer = google.models.generate_content(model=MODEL, contents=["What is it?", film])
    assert answer.text
    assert film.name in [one.name for one in google.files.list(config={"page_size": 1})]

    other = client(NARROW)
    with pytest.raises(errors.ClientError) as caught:
        other.files.get(name=film.name)
    assert caught.value.code == 404

    google.files.delete(name=film.name)
    with pytest.raises(errors.ClientError) as caught:
        google.files.get(name=film.name)
    assert caught.value.code == 404
