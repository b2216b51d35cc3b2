"""What loaders draw, how their labels lie, and the random states of their workers."""

from __future__ import annotations

import json
import os
import random
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, Subset, TensorDataset

from assay.journal.events import EPOCH, LOADER
from assay.probes.data import loaders
from assay.probes.data.loaders import Loaders, _Drawn, _own_state, label_order, random_states

from .conftest import Watching
from .test_structure_facts import here


def drawn(*epochs: list[Any], size: int | None = 10) -> list[dict[str, Any]]:
    """The facts of epochs of one loader, each given as its batches."""
    one, found = _Drawn(3, size), []
    for batches in epochs:
        one.begin()
        for batch in batches:
            one.add(batch)
        found.append(one.facts(whole=True))
    return found


def test_draws_of_epochs_in_numbers() -> None:
    first, second, third = drawn(
        [[0, 1, 2], [3, 3], [3]], [(0, 9), (8,)], [[0, 1], [2, 3]]
    )  # fmt: skip
    orders = [first.pop("order"), second.pop("order"), third.pop("order")]
    assert first == {"loader": 3, "epoch": 0, "size": 10, "draws": 6, "distinct": 4,
                     "distinct_ever": 4, "most": 3, "whole": True}  # fmt: skip
    assert second == {"loader": 3, "epoch": 1, "size": 10, "draws": 3, "distinct": 3,
                      "distinct_ever": 6, "most": 1, "whole": True}  # fmt: skip
    # of later epochs the order alone is compared
    assert third == {"loader": 3, "epoch": 2, "size": 10, "draws": 4, "distinct": None,
                     "distinct_ever": None, "most": None, "whole": True}  # fmt: skip
    assert len(set(orders)) == 3


def test_samples_one_by_one_are_draws_too() -> None:
    (found,) = drawn([4, 5, 5])
    assert (found["draws"], found["distinct"], found["most"]) == (3, 2, 2)


def test_the_order_is_that_of_the_first_batches() -> None:
    same, late, early, split = (
        [[i] for i in range(12)],
        [[i] for i in (*range(8), 9, 8, 10, 11)],
        [[i] for i in (*range(7), 8, 7, 9, 10, 11)],
        [list(range(12))],
    )
    orders = [drawn(batches)[0]["order"] for batches in (same, same, late, early, split)]
    assert orders[0] == orders[1] == orders[2]
    assert orders[3] != orders[0]
    assert drawn(same, same)[1]["order"] == orders[0], "it begins anew with each epoch"


def test_an_epoch_that_is_too_long_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders, "DRAWS_AT_MOST", 5)
    within, beyond = drawn([[0, 1], [2, 3, 4]], [[5, 6, 7], [8, 9, 5]])
    assert (within["distinct"], within["most"], within["distinct_ever"]) == (5, 1, 5)
    assert (beyond["draws"], beyond["distinct"], beyond["most"]) == (6, None, None)
    assert beyond["distinct_ever"] is None


def labelled(labels: Any, name: str = "targets") -> Any:
    return SimpleNamespace(**{name: labels})


SORTED = [0, 0, 0, 1, 1, 2]
OF_SORTED = {"labels_equal_next": 3 / 5, "labels_equal_by_chance": 14 / 36, "label_classes": 3}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(labelled(SORTED), OF_SORTED, id="targets"),
        pytest.param(labelled(torch.tensor(SORTED), "labels"), OF_SORTED, id="labels"),
        pytest.param(TensorDataset(torch.ones(6), torch.tensor(SORTED)), OF_SORTED, id="tensors"),
        pytest.param(Subset(labelled([9, *SORTED]), [1, 2, 3, 4, 5, 6]), OF_SORTED, id="a part"),
        pytest.param(Subset(labelled(SORTED), [0, 3, 1]), {
            "labels_equal_next": 0.0, "labels_equal_by_chance": 5 / 9, "label_classes": 2,
        }, id="in another order"),
        pytest.param(labelled([1, 1]), {
            "labels_equal_next": 1.0, "labels_equal_by_chance": 1.0, "label_classes": 1,
        }, id="two"),
        pytest.param(labelled([1]), {}, id="one"),
        pytest.param(labelled([0.5, 0.5]), {}, id="numbers"),
        pytest.param(labelled([[0, 1], [1, 0]]), {}, id="several each"),
        pytest.param(labelled(["a", "b"]), {}, id="words"),
        pytest.param(Subset(labelled(SORTED), [0, 99]), {}, id="an index that is not there"),
        pytest.param(labelled(None), {}, id="none"),
        pytest.param(object(), {}, id="a strange thing"),
    ],
)  # fmt: skip
def test_how_labels_lie(data: Any, expected: dict[str, float]) -> None:
    assert label_order(data) == pytest.approx(expected)


def test_labels_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders, "LABELS_AT_MOST", 4)
    assert label_order(labelled(SORTED))["label_classes"] == 2
    assert label_order(Subset(labelled(SORTED), range(6)))["label_classes"] == 2  # type: ignore[arg-type]


def test_states_of_generators() -> None:
    numpy = pytest.importorskip("numpy")
    generator = torch.Generator().manual_seed(3)
    assert _own_state(generator) == generator.get_state().tolist()
    rng = random.Random(3)
    assert _own_state(rng) == rng.getstate()
    modern, old = numpy.random.default_rng(3), numpy.random.RandomState(3)
    for one in (modern, old):
        before = _own_state(one)
        assert isinstance(before, str)
        assert _own_state(one) == before, "nothing is drawn"
        one.random()
        assert _own_state(one) != before or one is old  # of the old kind the place is no part
    assert _own_state(3) is None
    assert _own_state(numpy.ones(2)) is None


def test_states_of_a_worker() -> None:
    rng = random.Random(3)
    data = SimpleNamespace(rng=rng, size=4, transform=SimpleNamespace(noise=random.Random(5), p=1))
    found = dict(random_states(data))
    assert {"random", "torch", "dataset.rng", "dataset.transform.noise"} <= found.keys()
    assert not {"dataset.size", "dataset.transform", "dataset.transform.p"} & found.keys()
    assert dict(random_states(data)) == found
    rng.random()
    torch.rand(1)
    random.random()
    again = dict(random_states(data))
    changed = {name for name in found if again[name] != found[name]}
    assert changed == {"random", "torch", "dataset.rng"}
    assert "random" in dict(random_states(3))


def begin() -> None:
    """A journal begins with the first backward pass."""
    torch.ones(2, requires_grad=True).sum().backward()


def facts(seen: Any, kind: Any) -> list[dict[str, Any]]:
    return [dict(event.data) for event in seen.view.events(kind)]


def test_the_facts_of_a_loader(watched: Watching) -> None:
    data = TensorDataset(torch.ones(6), torch.tensor(SORTED))
    with watched(Loaders) as seen:
        begin()
        built = here() + 1
        loader = DataLoader(data, batch_size=4, drop_last=True)
        for _ in range(2):
            list(loader)
        with torch.no_grad():
            list(loader)
        list(DataLoader(data, batch_size=None, generator=torch.Generator()))
        whole = TensorDataset(torch.ones(8))
        list(DataLoader(whole, batch_sampler=BatchSampler(range(6), 3, drop_last=False)))
    first, held_out, single, batched = facts(seen, LOADER)
    assert first.pop("built")[1] == built
    assert {name: first.pop(name) for name in OF_SORTED} == pytest.approx(OF_SORTED)
    assert first == {
        "number": 0, "sampler": "SequentialSampler", "batch_sampler": "BatchSampler",
        "replacement": None, "shuffle": None, "weights": None, "num_samples": None,
        "dataset": "TensorDataset",
        "size": 6, "batch_size": 4, "workers": 0, "persistent_workers": False,
        "worker_init_fn": False, "generator": False, "drop_last": True, "grad": True,
    }  # fmt: skip
    assert (held_out["number"], held_out["grad"]) == (1, False)
    assert "label_classes" not in held_out, "of an evaluation the order does not matter"
    assert (single["batch_size"], single["batch_sampler"]) == (None, "NoneType")
    assert single["generator"] is True
    assert (batched["sampler"], batched["batch_size"]) == ("SequentialSampler", None)
    epochs = [(e["loader"], e["epoch"], e["draws"], e["whole"]) for e in facts(seen, EPOCH)]
    assert epochs == [(0, 0, 4, True), (0, 1, 4, True), (1, 0, 4, True), (2, 0, 6, True),
                      (3, 0, 6, True)]  # fmt: skip


class Stream(IterableDataset[int]):
    def __iter__(self) -> Any:
        return iter(range(5))


def test_a_stream_has_no_size_and_no_draws(watched: Watching) -> None:
    with watched(Loaders) as seen:
        begin()
        for _ in range(3):
            list(DataLoader(Stream(), batch_size=2))
    (found,) = facts(seen, LOADER)
    assert (found["size"], found["weights"]) == (None, None)
    assert found["sampler"] == "_InfiniteConstantSampler"
    assert all(epoch["distinct"] in (None, 1) for epoch in facts(seen, EPOCH))


def test_loaders_are_bounded(watched: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loaders, "LOADERS_AT_MOST", 2)
    with watched(Loaders) as seen:
        begin()
        for size in (2, 3, 4, 2):
            list(DataLoader(TensorDataset(torch.ones(size))))
    assert [found["size"] for found in facts(seen, LOADER)] == [2, 3]
    assert [(e["loader"], e["epoch"]) for e in facts(seen, EPOCH)] == [(0, 0), (1, 0), (0, 1)]


def test_an_epoch_under_way_is_written_at_the_end(watched: Watching) -> None:
    with watched(Loaders) as seen:
        begin()
        loader = DataLoader(TensorDataset(torch.ones(10)), batch_size=2)
        iterator = iter(loader)
        next(iterator)
        next(iterator)
        iterator = iter(loader)  # the first one is left
        next(iterator)
    found = [(e["epoch"], e["draws"], e["whole"]) for e in facts(seen, EPOCH)]
    assert found == [(0, 4, False), (1, 2, False)]


class Unhashable(torch.utils.data.Sampler[Any]):
    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Any:
        return iter([{"a": 1}, {"a": 2}])


class Anything(torch.utils.data.Dataset[int]):
    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: Any) -> int:
        return 1


def test_indices_that_cannot_be_counted_end_the_counting(watched: Watching) -> None:
    with watched(Loaders) as seen:
        begin()
        list(DataLoader(Anything(), sampler=Unhashable()))
        assert not seen.watch.hub.listeners["indices"]
    assert [found["sampler"] for found in facts(seen, LOADER)] == ["Unhashable"]


def test_the_line_of_a_worker(watched: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(Loaders) as seen:
        begin()
        probe = next(
            listener.__self__ for listener in seen.watch.hub.listeners["indices"]
        )  # fmt: skip
        worker = SimpleNamespace(dataset=3, seed=17, id=2, num_workers=4)
        probe.on_worker_ready(worker)
        path = os.path.join(probe.watch.folder, "workers.jsonl")
        with open(path, encoding="utf-8") as file:
            (line,) = map(json.loads, file)
        monkeypatch.setattr(loaders, "WORKERS_BYTES_AT_MOST", os.path.getsize(path))
        probe.on_worker_ready(worker)
        with open(path, encoding="utf-8") as file:
            assert len(list(file)) == 1, "the file is full"
    states = line.pop("states")
    assert line.pop("drawn") == []
    assert line == {"of": os.getppid(), "base": 15, "worker": 2, "workers": 4}
    assert states == dict(random_states(3))


class Flip:
    def __init__(self) -> None:
        self.rng = random.Random(0)

    def __call__(self, x: Any) -> Any:
        return x if self.rng.random() < 0.5 else -x


class Drawing(torch.utils.data.Dataset[int]):
    def __init__(self) -> None:
        self.made_by = random.Random(1)
        self.noise = random.Random(2)
        self.flip = Flip()

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: Any) -> Any:
        return self.flip(index) + self._more()

    def _more(self) -> float:
        return self.noise.random()


def test_states_that_a_data_set_draws_from() -> None:
    states = dict(random_states(Drawing()))
    assert {"dataset.made_by", "dataset.noise", "dataset.flip.rng"} <= states.keys()
    assert loaders.drawn_from(Drawing(), states) >= {"dataset.noise", "dataset.flip.rng"}
    assert "dataset.made_by" not in loaders.drawn_from(Drawing(), states)
    assert loaders.drawn_from(Stream(), states) == set()
    inner = torch.utils.data.Subset(Drawing(), [0, 1])
    assert "dataset.dataset.noise" in loaders.drawn_from(inner, dict(random_states(inner)))


class Deep:
    """Methods that mention one another, four calls deep and in a circle."""

    def first(self) -> Any:
        return self.second()

    def second(self) -> Any:
        return self.third(), self.first()

    def third(self) -> Any:
        return self.fourth()

    def fourth(self) -> Any:
        return self.fifth(), random.random()

    def fifth(self) -> Any:
        return torch.rand(1)


def test_names_in_methods_and_in_those_that_they_mention() -> None:
    assert loaders._mentioned(Deep, "fifth") == {"torch", "rand"}
    assert loaders._mentioned(Deep, "fourth") == {"fifth", "random", "torch", "rand"}
    found = loaders._mentioned(Deep, "first")
    assert {"second", "third", "fourth", "first", "fifth", "random"} == found, "three calls deep"
    assert loaders._mentioned(Deep, "sixth") == set()
    assert loaders._mentioned(Deep, "first", 0) == {"second"}
