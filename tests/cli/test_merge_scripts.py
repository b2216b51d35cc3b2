"""`assay merge` with the user's own scripts: units matched, batch statistics refreshed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from assay.fusion import inside
from assay.fusion.worker import Worker
from assay.merging.serve import ANSWERS
from assay.testing import WarmRunner

from .conftest import Assay

NET = """\
import torch
from torch import nn

def make():
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))

def data():
    made = torch.Generator().manual_seed(0)
    return torch.randn(12, 8, 4, generator=made) * 3 + 1, torch.zeros(12, 8).long()
"""
SCRIPT = """\
from net import make, data, nn, torch
model = make()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for x, y in zip(*data()):
    loss = nn.functional.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    BETWEEN
"""


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    Path("train.py").write_text(SCRIPT.replace("BETWEEN", "pass"))
    space: dict[str, object] = {}
    exec(NET, space)
    for seed, name in ((1, "a"), (2, "b")):
        torch.manual_seed(seed)
        torch.save({"model": space["make"]().state_dict()}, f"{name}.pt")  # type: ignore[operator]


@pytest.fixture
def merging(assay: Assay, warm: WarmRunner, monkeypatch: pytest.MonkeyPatch) -> Assay:
    """The command line with the merge in this process, and scripts in warm ones."""

    def ask(self: object, do: str, **asked: Any) -> dict[str, Any]:
        answer: dict[str, Any] = ANSWERS[do](json.loads(json.dumps(asked)))
        return answer

    def run(*given: Any) -> tuple[int | None, str]:
        return warm.run(*given, None).exit_code, ""

    monkeypatch.setattr(Worker, "__enter__", lambda self: self)
    monkeypatch.setattr(Worker, "__exit__", lambda *_: None)
    monkeypatch.setattr(Worker, "ask", ask)
    monkeypatch.setattr(inside, "run_quietly", run)
    return assay


def test_units_are_matched_and_statistics_refreshed(merging: Assay) -> None:
    done = merging("merge", "a.pt", "b.pt", "-o", "out.pt", "--key", "model", "--json", "-",
                    "--align", "train.py", "--calibrate", "train.py")  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["aligned"][0]["units"] == 6
    assert report["batches"] == 12
    assert report["cautions"] == []
    space: dict[str, object] = {}
    exec(NET, space)
    model, x = space["make"](), space["data"]()[0]  # type: ignore[operator]
    assert isinstance(model, nn.Module)
    state = torch.load("out.pt", weights_only=True)["model"]
    model.load_state_dict(state)
    with torch.no_grad():
        hidden = [model[0](batch) for batch in x]
    mean = torch.stack([h.mean(0) for h in hidden]).mean(0)
    var = torch.stack([h.var(0) for h in hidden]).mean(0)
    torch.testing.assert_close(state["1.running_mean"], mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(state["1.running_var"], var, rtol=1e-4, atol=1e-4)
    assert sorted(p.name for p in Path().iterdir() if p.name != "__pycache__") == [
        "a.pt", "b.pt", "net.py", "out.pt", "train.py",
    ]  # fmt: skip


def test_a_script_that_does_not_fit_is_told_and_nothing_is_written(merging: Assay) -> None:
    Path("other.py").write_text(
        SCRIPT.replace("make()", "nn.Linear(4, 2)", 1).replace("BETWEEN", "")
    )
    change = "with torch.no_grad(): model[0].weight.add_(1)"
    Path("moves.py").write_text(SCRIPT.replace("BETWEEN", change))
    for script, says in (
        ("other.py", "other.py called no model with the tensors of the checkpoints"),
        ("moves.py", "moves.py: it changes its weights by itself"),
    ):
        done = merging("merge", "a.pt", "b.pt", "-o", "out.pt", "--key", "model",
                        "--calibrate", script)  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.startswith(f"assay: --calibrate {script}")
        assert says in done.stderr
        assert done.stderr.count("\n") == 1
        assert not Path("out.pt").exists()


def by_sample(labels: str) -> dict[str, torch.Tensor]:
    """The mean of squared gradients of the first 20 samples, by a plain loop."""
    space: dict[str, Any] = {}
    exec(NET, space)
    model, (x, y) = space["make"](), space["data"]()
    model.load_state_dict(torch.load("a.pt", weights_only=True)["model"])
    model.eval()
    made = torch.Generator().manual_seed(0)
    sums = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for i in range(20):
        model.zero_grad()
        likely = model(x.flatten(0, 1)[i : i + 1]).log_softmax(1)[0]
        drawn = torch.multinomial(likely.detach().exp(), 1, generator=made)[0]
        likely[drawn if labels == "sampled" else y.flatten()[i]].backward()
        for name, p in model.named_parameters():
            sums[name] += p.grad**2 / 20
    return sums


@pytest.mark.parametrize("labels", ["sampled", "given"])
def test_fisher_information_is_that_of_single_samples(merging: Assay, labels: str) -> None:
    done = merging("fisher", "--checkpoint", "a.pt", "--key", "model", "-o", "fisher.pt",
                   "--samples", "20", "--labels", labels, "train.py")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "assay: wrote fisher.pt: squared gradients of 20 samples" in done.stderr
    found, expected = torch.load("fisher.pt", weights_only=True), by_sample(labels)
    assert list(found) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-8)
    both = ("--fisher", "fisher.pt") * 2
    merged = merging("merge", "a.pt", "b.pt", "--key", "model", "-o", "out.pt",
                     "--method", "fisher", *both)  # fmt: skip
    assert merged.returncode == 0, merged.stderr
    state, a, b = (torch.load(f"{n}.pt", weights_only=True)["model"] for n in ("out", "a", "b"))
    for name in ("0.weight", "1.running_var"):  # the same importances: the plain mean
        torch.testing.assert_close(state[name], (a[name] + b[name]) / 2)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["train.py"], "fisher needs --checkpoint and -o"),
        (["--checkpoint", "no.pt", "-o", "f.pt", "train.py"], "--checkpoint: no.pt: no such file"),
        (["--checkpoint", "a.pt", "-o", "a.pt", "train.py"], "a.pt is one of the inputs"),
        (["--checkpoint", "a.pt", "-o", "f.pt", "--labels", "true", "train.py"],
         "--labels must be sampled or given"),
        (["--checkpoint", "a.pt", "-o", "f.pt", "none.py"], "none.py: no such file"),
    ],
)  # fmt: skip
def test_fisher_refuses_in_one_line(words: list[str], says: str, merging: Assay) -> None:
    done = merging("fisher", *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_checkpoint_without_its_key_is_told(merging: Assay) -> None:
    done = merging("fisher", "--checkpoint", "a.pt", "-o", "f.pt", "train.py")
    assert done.returncode != 0
    assert not Path("f.pt").exists()
