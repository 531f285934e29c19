"""Models that do not generate: Hugging Face's own client for classes, and the calls that vLLM, KServe and Mistral document."""

import httpx
import pytest
from conftest import BASE, KEY, NARROW
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

HEADERS = {"Authorization": f"Bearer {KEY}"}
SORTS, READS = "sim-coh/sim-classify", "sim-coh/sim-ocr"


def post(path, body, status=200, headers=HEADERS):
    answer = httpx.post(BASE + path, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


@pytest.mark.parametrize("path", ["/predict", f"/predict?model={SORTS}"])
def test_hugging_face(path):
    best = InferenceClient(model=BASE + path, token=KEY).text_classification("What a lovely day")
    assert best.label == "positive" and 0.5 < best.score < 1


def test_hugging_face_refused():
    with pytest.raises(HfHubHTTPError) as refused:
        InferenceClient(model=f"{BASE}/predict?model={SORTS}", token=NARROW).text_classification("What a lovely day")
    assert refused.value.response.status_code == 403
    assert refused.value.response.json()["error_type"] == "Validation"


def test_vllm():
    answer = post("/v1/classify", {"model": SORTS, "input": ["What a lovely day", "Bad and wrong"]})
    assert [one["label"] for one in answer["data"]] == ["positive", "negative"]
    for one in answer["data"]:
        assert len(one["probs"]) == one["num_classes"] == 3 and abs(sum(one["probs"]) - 1) < 0.01
    assert answer["usage"]["prompt_tokens"] > 0
    assert post("/classify", {"model": "sim-coh/sim-429", "input": "x"}, 429)["error"]["code"] == "rate_limit_exceeded"


def test_tensors():
    tensor = {"name": "text", "shape": [2], "datatype": "BYTES", "data": ["lovely", "bad"]}
    answer = post(f"/v2/models/{SORTS}/infer", {"id": "7", "inputs": [tensor]})
    assert answer["id"] == "7" and answer["outputs"][0]["data"] == ["positive", "negative"]
    assert "shape" in post(f"/v2/models/{SORTS}/versions/1/infer", {"inputs": [tensor | {"shape": [3]}]}, 400)["error"]


def test_pages():
    document = {"type": "document_url", "document_url": "https://example.org/a.pdf"}
    answer = post("/v1/ocr", {"model": READS, "document": document, "pages": "0-1"})
    assert [page["index"] for page in answer["pages"]] == [0, 1]
    assert answer["usage_info"]["pages_processed"] == 2
    assert post("/v1/ocr", {"model": READS, "document": {}}, 400)["error"]["param"] == "document"
