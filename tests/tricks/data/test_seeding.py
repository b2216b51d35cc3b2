"""seed against scripts that were given another seed by hand."""

from __future__ import annotations

import inspect
import random
import subprocess
import sys
from typing import Any

import pytest
import torch
import workloads
from suite import (
    STEPPING,
    Hand,
    World,
    assert_same,
    by_hand,
    differs,
    in_script,
    plain,
    seed_everything,
    treated,
)
from torch.utils.data import DataLoader, Dataset


@pytest.mark.parametrize("workload", [*STEPPING, "lbfgs"])
def test_as_if_the_script_had_given_this_seed(
    workload: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = plain(workload)
    found = treated(workload, "seed=7")
    monkeypatch.setattr(workloads, "seed_everything", lambda seed: seed_everything(7))
    expected = plain(workload)
    assert_same(expected, found)
    assert differs(expected, own)


def test_attached_to_a_model_that_is_drawn_already_it_seeds_the_rest() -> None:
    class SeededAgain(Hand):
        def built(self, world: World) -> None:
            seed_everything(7)

    expected = by_hand("kitchen", SeededAgain())
    assert_same(expected, treated("kitchen", "seed=7", attached=True))
    assert differs(expected, plain("kitchen"))


def numbers() -> list[float]:
    return [torch.rand(1).item(), random.random()]


def test_generators_are_seeded_at_the_start_and_whenever_the_script_seeds_them() -> None:
    seed_everything(7)
    expected = numbers()
    with in_script("seed=7"):
        assert numbers() == expected
        for seed_torch in (lambda: torch.manual_seed(3), torch.seed):
            for seed_python in (lambda: random.seed("three"), random.seed):
                seed_torch()
                seed_python()
                assert numbers() == expected
        assert torch.initial_seed() == 7
    seed_everything(3)
    assert numbers() != expected


def test_a_generator_of_its_own_keeps_its_seed() -> None:
    expected = torch.rand(1, generator=torch.Generator().manual_seed(3))
    with in_script("seed=7"):
        assert torch.equal(torch.rand(1, generator=torch.Generator().manual_seed(3)), expected)
        assert random.Random(3).random() == 0.23796462709189137


def test_devices_that_the_script_seeds_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []
    cuda = sys.modules["torch.cuda.random"]
    monkeypatch.setattr(
        cuda, "_lazy_call",
        lambda act, **_: seeds.append(inspect.getclosurevars(act).nonlocals["seed"]),
    )  # fmt: skip
    with in_script("seed=7"):
        seeds.clear()
        torch.cuda.manual_seed(3)
        torch.cuda.manual_seed_all(3)
    torch.cuda.manual_seed_all(3)
    assert seeds == [7, 7, 3]


NUMPY_AFTERWARDS = """
import sys
import torch
from assay import seams
from assay.seams.hub import Hub
from assay.tricks.reading import read
from assay.tricks.handle import put_in_place
assert "numpy.random" not in sys.modules
hub = Hub()
with put_in_place([read("seed=7")], hub, None, seams.install(hub)):
    import numpy
    drawn = [numpy.random.rand()]
    numpy.random.seed(3)
    drawn.append(numpy.random.rand())
numpy.random.seed(7)
assert drawn == [numpy.random.rand()] * 2, drawn
numpy.random.seed(3)
assert numpy.random.rand() not in drawn
"""


def test_numpy_loaded_before() -> None:
    numpy = pytest.importorskip("numpy")
    numpy.random.seed(7)
    expected = numpy.random.rand()
    with in_script("seed=7"):
        assert numpy.random.rand() == expected
        numpy.random.seed(3)
        assert numpy.random.rand() == expected
    numpy.random.seed(3)
    assert numpy.random.rand() != expected


def test_numpy_loaded_by_the_script_afterwards() -> None:
    pytest.importorskip("numpy")
    done = subprocess.run(
        [sys.executable, "-c", NUMPY_AFTERWARDS],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


class Noise(Dataset[Any]):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, i: int) -> Any:
        return torch.tensor(numbers())


def own_seeds(worker: int) -> None:
    torch.manual_seed(100 + worker)
    random.seed(100 + worker)


@pytest.mark.parametrize("init", [None, own_seeds])
def test_workers_follow_each_with_a_seed_of_its_own(init: Any) -> None:
    def drawn() -> list[list[float]]:
        torch.manual_seed(3)
        loader = DataLoader(Noise(), batch_size=None, num_workers=2, worker_init_fn=init)
        return [row.tolist() for _ in range(2) for row in loader]

    seed_everything(3)
    other = drawn()
    with in_script("seed=7"):
        found = drawn()
    with in_script("seed=3"):
        assert drawn() == other
    assert (found != other) == (init is None)  # what workers seed from numbers of their own stays
    assert found[0] != found[1]  # the first of each worker
    assert (found[0] != found[8]) == (init is None)  # the second epoch is another one
