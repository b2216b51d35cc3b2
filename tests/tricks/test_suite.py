"""What holds for every trick of the catalogue."""

from __future__ import annotations

import itertools
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hands import HANDS, Together
from suite import (
    TRICKS,
    WORKLOADS,
    Hand,
    Record,
    assert_same,
    bad_values,
    begin,
    by_hand,
    changed,
    differs,
    example,
    fingerprint,
    in_script,
    in_watched_script,
    plain,
    read,
    record_of,
    train,
    treated,
)

from assay.tricks.base import Trick, TrickError
from assay.tricks.handle import attach

NAMES = [trick.name for trick in TRICKS]
HEADINGS = [
    "What it does", "Formula", "When", "Cost", "Conflicts and order", "Common mistakes",
]  # fmt: skip
FAMILIES = {
    "rate", "optimizer", "gradients", "averaging", "precision", "regularisation", "model", "data",
    "gan",
}  # fmt: skip

# A trick that the workload `kitchen` gives nothing to do says so; `home` is where it works.
HOMES = dict.fromkeys((trick.name for trick in TRICKS if trick.family == "gan"), "players")
# What stays in the model when the trick is gone, and why.
LASTING = {
    "init": "the first values of weights are drawn once",
    "norm": "its module has other parameters than the one it replaced",
    "spectral-norm": "the weight is now computed from another parameter",
}


def home(name: str) -> str:
    return HOMES.get(name, "kitchen")


def of(name: str) -> type[Trick]:
    return next(trick for trick in TRICKS if trick.name == name)


@pytest.fixture(autouse=True)
def torch_is_left_alone() -> Iterator[None]:
    before = fingerprint()
    yield
    assert changed(before, fingerprint()) == []


# -- the suite itself ---------------------------------------------------------------------------


@pytest.mark.parametrize("workload", WORKLOADS)
def test_workloads_repeat_to_the_last_bit(workload: str) -> None:
    assert_same(plain(workload), plain(workload))


@pytest.mark.parametrize("workload", WORKLOADS)
def test_a_hand_can_be_seen(workload: str) -> None:
    class Weaker(Hand):
        def loss(self, output: Any, y: Any) -> torch.Tensor:
            return super().loss(output, y) / 2

        def gradients(self, optimizer: Any) -> None:
            for group in optimizer.param_groups:
                for p in (p for p in group["params"] if p.grad is not None):
                    p.grad.add_(1e-3)

    assert differs(plain(workload), by_hand(workload, Weaker()))


def test_a_change_in_torch_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint()
    with monkeypatch.context() as patched:
        patched.setattr(torch.nn.functional, "relu", lambda x: x)
        patched.setattr(torch.nn.init.xavier_normal_, "__code__", (lambda *a: None).__code__)
        found = {"torch.nn.functional.relu", "torch.nn.init.xavier_normal_"}
        assert set(changed(before, fingerprint())) == found


# -- names and pages ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_name_file_and_class_agree(name: str) -> None:
    trick = of(name)
    file = Path(sys.modules[trick.__module__].__file__ or "")
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
    assert file.stem == name.replace("-", "_")
    assert file.parent.name == trick.family
    assert trick.family in FAMILIES
    assert trick.__name__ == "".join(part.capitalize() for part in name.split("-"))
    assert NAMES.count(name) == 1
    assert set(trick.conflicts) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_page_has_its_headings_and_a_source(name: str) -> None:
    page = of(name).__doc__ or ""
    assert re.findall(r"^ +## (.+)$", page, re.MULTILINE) == HEADINGS
    assert page.splitlines()[0].endswith(".")
    sections = re.split(r"^ +## .+$", page, flags=re.MULTILINE)[1:]
    assert all(section.strip() for section in sections)
    assert re.search(r"\b(19|20)\d\d\b|Source:", page), "no source"


def test_all_trick_files_are_in_the_catalogue() -> None:
    package = Path(sys.modules[Trick.__module__].__file__ or "").parent
    known = {Path(sys.modules[trick.__module__].__file__ or "") for trick in TRICKS}
    for path in package.glob("*/*.py"):
        text = path.read_text(encoding="utf-8")
        made = re.findall(r"^class (\w+)\(\w*Trick\)", text, re.MULTILINE)
        tricks = [name for name in made if not name.endswith("Trick")]  # those that files share
        assert len(tricks) == (path in known), path


@pytest.mark.parametrize("name", NAMES)
def test_it_is_compared_with_a_loop_by_hand(name: str) -> None:
    tests = Path(__file__).parent.joinpath(of(name).family).glob("test_*.py")
    called = re.compile(rf"[\"']{name}[=,\"']")
    assert any(called.search(path.read_text(encoding="utf-8")) for path in tests)


# -- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_bad_values_are_refused_in_one_line(name: str) -> None:
    read(example(of(name)))
    for text in bad_values(of(name)):
        with pytest.raises(TrickError) as refused:
            read(text)
        assert name in str(refused.value), text
        assert "\n" not in str(refused.value), text


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_can_be_read_again(name: str) -> None:
    trick = read(example(of(name)))
    assert read(str(trick)) == trick


def test_unknown_tricks_are_refused_with_a_suggestion() -> None:
    with pytest.raises(TrickError, match="clip-norm"):
        read("clip-nrom=1")


# -- what every trick leaves behind ---------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_a_plain_run_follows(name: str) -> None:
    before, torch_before = plain(home(name)), fingerprint()
    treated(home(name), example(of(name)))
    assert changed(torch_before, fingerprint()) == []
    assert_same(before, plain(home(name)))


@pytest.mark.parametrize("name", NAMES)
def test_attached_and_detached_at_once_nothing_changes(name: str) -> None:
    if name in LASTING:
        pytest.skip(LASTING[name])
    expected = plain(home(name))
    world = begin(home(name), Hand())
    before = torch.get_rng_state()
    attach([read(example(of(name)))], (world.model, *world.optimizers)).detach()
    torch.set_rng_state(before)
    assert_same(expected, record_of(world, train(world, range(6))))


@pytest.mark.parametrize("name", NAMES)
def test_after_detach_the_training_goes_on_as_a_plain_one(name: str) -> None:
    if name in LASTING:
        pytest.skip(LASTING[name])
    with in_script(example(of(name))):
        world = begin(home(name), Hand())
        train(world, range(8))
    kept = world.state()
    goes_on = record_of(world, train(world, range(8, 12)))
    other = begin(home(name), Hand())
    other.load(kept)
    assert_same(goes_on, record_of(other, train(other, range(8, 12))))


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_training_goes_on_to_the_last_bit(name: str) -> None:
    text = example(of(name))
    with in_script(text) as handle:
        world = begin(home(name), Hand())
        train(world, range(8))
        kept, trick = world.state(), handle.state_dict()
        goes_on = record_of(world, train(world, range(8, 12)))
    with in_script(text) as handle:
        other = begin(home(name), Hand())
        other.load(kept)
        handle.load_state_dict(trick)
        assert_same(goes_on, record_of(other, train(other, range(8, 12))))


@pytest.mark.parametrize("name", NAMES)
def test_it_acts_on_every_step_of_a_watched_run(name: str, tmp_path: Path) -> None:
    alone = treated(home(name), example(of(name)), steps=60)
    with in_watched_script(tmp_path, example(of(name))):
        world = begin(home(name), Hand())
        assert_same(alone, record_of(world, train(world, range(60))))


# -- together -----------------------------------------------------------------------------------


PAIRED = 6
"""Steps of a pair: `accumulate=2` then takes three, and the mean of `swa=1` has two of them."""


def alone(name: str, known: dict[str, Record] = {}) -> Record:  # noqa: B006
    """A few steps of the kitchen with one trick, trained once."""
    if name not in known:
        known[name] = treated("kitchen", *([example(of(name))] if name else []), steps=PAIRED)
    return known[name]


def same(one: Record, other: Record) -> bool:
    return not differs(one, other) and one.evaluated == other.evaluated


# Tricks that have nothing to do in the kitchen, but in what another trick makes of it.
WOKEN = {
    ("amp", "float32-islands"): "only half precision has islands to keep",
}
# The second leaves nothing of the first.
MASKED: dict[tuple[str, str], str] = {}


@pytest.mark.parametrize("name", HANDS)
def test_hands_of_the_kitchen_are_the_tricks(name: str) -> None:
    assert_same(alone(name), by_hand("kitchen", HANDS[name](), steps=PAIRED))
    assert not same(alone(name), alone(""))


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(HANDS, 2)))
def test_two_tricks_are_the_two_hands_in_one_loop(first: str, second: str) -> None:
    assert NAMES.index(first) < NAMES.index(second), "HANDS stand in the order of the catalogue"
    both = treated("kitchen", example(of(second)), example(of(first)), steps=PAIRED)
    hands = Together(HANDS[first](), HANDS[second]())
    assert_same(both, by_hand("kitchen", hands, steps=PAIRED))


@pytest.mark.parametrize("name", NAMES)
def test_every_pair_trains(name: str) -> None:
    """Each of two tricks acts beside the other, or has nothing to do beside it either."""
    first, plain_run = of(name), alone("")
    wrong = []
    for second in TRICKS[NAMES.index(name) + 1 :]:
        tricks, pair = (example(first), example(second)), (name, second.name)
        if second.name in first.conflicts or name in second.conflicts:
            with pytest.raises(TrickError, match="can't be used together"):
                treated(home(name), *tricks)
            continue
        both = treated("kitchen", *tricks, steps=PAIRED)
        assert all(math.isfinite(x) for x in (*both.losses, both.evaluated)), pair
        for one, other in (pair, reversed(pair)):
            acts = not same(alone(other), plain_run) or pair in WOKEN
            if same(both, alone(one)) == acts and pair not in MASKED:
                wrong.append(f"{other} {'does nothing' if acts else 'acts'} beside {one}")
    assert wrong == []
