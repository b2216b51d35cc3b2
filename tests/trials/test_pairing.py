"""Seeds of a trial: run k of a script draws with seed s + k, and always draws alike."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.testing import WarmRunner

SCRIPT = """
import json, random, sys
import torch
torch.set_num_threads(1)
import numpy as np
{seeding}
own = np.random.default_rng({own})
drawn = [torch.rand(1).item(), random.random(), np.random.rand(), own.random()]
w = torch.nn.Linear(2, 1)
o = torch.optim.SGD(w.parameters(), lr=0.1)
w(torch.ones(1, 2)).sum().backward()
o.step()
json.dump(drawn, open(sys.argv[1], "w"))
"""
SEEDED = "torch.manual_seed({s}); random.seed({s}); np.random.seed({s})"


Drawn = Callable[..., "list[float]"]


@pytest.fixture
def drawn(tmp_path: Path, warm: WarmRunner) -> Drawn:
    """What a script draws under these settings."""

    def run(text: str, **settings: Any) -> list[float]:
        script, out = tmp_path / "train.py", tmp_path / "drawn.json"
        script.write_text(text)
        seen = warm.observe([str(script), str(out)], settings, base=tmp_path / "runs")
        assert seen.outcome.exit_code == 0
        assert not seen.view.errors
        numbers: list[float] = json.loads(out.read_text())
        return numbers

    return run


def test_run_k_of_a_seeded_script_is_the_script_with_seed_s_plus_k(drawn: Drawn) -> None:
    moved = drawn(SCRIPT.format(seeding=SEEDED.format(s=5), own=7), seed_offset=2)
    plain = drawn(SCRIPT.format(seeding=SEEDED.format(s=7), own=9))
    assert moved == plain


def test_offset_0_leaves_a_seeded_script_as_it_is(drawn: Drawn) -> None:
    text = SCRIPT.format(seeding=SEEDED.format(s=5), own=7)
    assert drawn(text, seed_offset=0) == drawn(text)


@pytest.mark.parametrize("seeding", ["", "torch.seed(); random.seed(); np.random.seed()"])
def test_a_script_without_seeds_is_paired_too(drawn: Drawn, seeding: str) -> None:
    text = SCRIPT.format(seeding=seeding, own="")
    first = drawn(text, seed_offset=1)
    assert first == drawn(text, seed_offset=1)
    assert all(a != b for a, b in zip(first, drawn(text, seed_offset=2), strict=True))


def test_words_and_lists_are_seeds_too() -> None:
    from assay.seams import Hub, seeds
    from assay.seams.patch import Patches

    np = pytest.importorskip("numpy")
    hub, patches = Hub(), Patches()
    state, numpy_state, torch_state = (
        random.getstate(),
        np.random.get_state(),
        torch.get_rng_state(),
    )
    plain = np.random.default_rng, random.seed, torch.cuda.manual_seed_all
    try:
        seeds.install(hub, patches)
        heard: list[tuple[str, Any]] = []
        hub.on("seed", lambda kind, value: heard.append((kind, value)))
        seeds.pair(hub, patches, 3)
        assert heard == [], "what the trial seeds is not the script's doing"
        random.seed("word")
        word = random.random()
        random.seed("word+3")  # becomes another word again
        assert word != random.random()
        assert np.random.default_rng([1, 2]).random() == plain[0]([1, 2, 3]).random()
        np.random.seed(2**32 - 1)
        torch.manual_seed(4)
        assert torch.initial_seed() == 7
        assert heard[-1] == ("torch", 4), "the record names the script's own seed"
    finally:
        patches.undo()
        random.setstate(state)
        np.random.set_state(numpy_state)
        torch.set_rng_state(torch_state)
    assert (np.random.default_rng, random.seed, torch.cuda.manual_seed_all) == plain
    assert hub.changes.filters["seed"] == []
