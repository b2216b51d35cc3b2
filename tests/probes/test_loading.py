"""What `load_state_dict` put where: names that almost fit, what changed, and what is bounded."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from assay.journal.events import LOAD_STATE
from assay.probes.model import loading
from assay.probes.model.loading import Loading, _differ, _prefix, _rates, _starts

from .conftest import Watching

A, B = (2, 2), (3,)


@pytest.mark.parametrize(
    ("own", "given", "matched", "expected"),
    [
        pytest.param({"w": A}, {"module.w": A}, 0, ("module.", 1), id="one part too many"),
        pytest.param({"w": A}, {"a.net.w": A, "a.net.b": B}, 0, ("a.net.", 1), id="two parts"),
        pytest.param({"net.w": A, "net.b": B}, {"w": A, "b": B}, 0, ("+net.", 2), id="too few"),
        pytest.param({"a.b.w": A}, {"w": A}, 0, ("+a.b.", 1), id="two too few"),
        pytest.param({"w": A}, {"module.w": B}, 0, (None, 0), id="another shape"),
        pytest.param({"net.w": A}, {"w": B}, 0, (None, 0), id="another shape, too few"),
        pytest.param({"w": A, "b": B}, {"module.w": A, "b": B}, 1, (None, 1), id="no better"),
        pytest.param({"x.w": A, "b": B}, {"w": A, "b": B}, 1, (None, 1), id="no better, too few"),
        pytest.param({"w": A}, {"net.w": A, "w": A}, 1, (None, 1), id="it fits as it is"),
        pytest.param({"d.w": A}, {"m.x.w": B, "q.w": B}, 0, (None, 0), id="nothing fits"),
        pytest.param({"d.w": A}, {"m.w": A}, 0, ("m.>d.", 1), id="another name"),
        pytest.param({"w": A, "b": B}, {"m.w": A, "n.w": A, "n.b": B}, 0, ("n.", 2), id="best"),
        pytest.param({}, {}, 0, (None, 0), id="nothing"),
    ],
)
def test_a_prefix_is_named_if_more_fits_with_it(
    own: Any, given: Any, matched: int, expected: tuple[str | None, int]
) -> None:
    assert _prefix(own, given, matched) == expected


def test_beginnings_of_names() -> None:
    names = ["w", "net.w", "net.block.w", "net.block.0.w", "head.b"]
    assert _starts(dict.fromkeys(names)) == ["w.", "net.", "net.block.", "head."]
    assert len(_starts({f"m{i}.w": A for i in range(20)})) == 8


def test_only_the_first_elements_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    old, late = torch.zeros(2, 3), torch.zeros(2, 3)
    late[1, 2] = 1.0
    assert _differ(old, late)
    assert not _differ(old, old.double())
    monkeypatch.setattr(loading, "ELEMENTS_AT_MOST", 5)
    assert not _differ(old, late)
    assert _differ(old, late.roll(1))


def test_rates_that_can_be_read_without_waiting() -> None:
    meta = torch.tensor(0.1, device="meta")
    groups = [{"lr": 0.5}, {"lr": 1}, {"lr": torch.tensor(0.25)}, {"lr": meta}, {}, {"lr": "no"}]
    assert _rates(groups) == [0.5, 1.0, 0.25]


def begin() -> None:
    """A journal begins with the first backward pass."""
    torch.ones(2, requires_grad=True).sum().backward()


def loads(seen: Any) -> list[dict[str, Any]]:
    return [dict(event.data) for event in seen.view.events(LOAD_STATE)]


def test_keys_one_by_one(watched: Watching) -> None:
    with watched(Loading) as seen:
        begin()
        model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
        state = model.state_dict()
        given = {**state, "0.weight": torch.ones(3, 2), "0.bias": torch.zeros(4), "extra": state}
        del given["2.bias"]
        given["2.weight"] = torch.ones(1, 3)
        given["3.weight"] = torch.ones(1)
        with pytest.raises(RuntimeError, match="size mismatch"):
            model.load_state_dict(given)
        model.load_state_dict(state)
    failed, whole = loads(seen)
    counts = {key: failed[key] for key in ("keys", "given", "matched", "compared", "changed")}
    # two linear layers, and two weights, two averages and a count of the norm
    assert counts == {"keys": 9, "given": 9, "matched": 7, "compared": 7, "changed": 2}
    assert (failed["missing_count"], failed["unexpected_count"]) == (1, 1)
    assert (failed["mismatched"], failed["missing"]) == (["0.bias"], [])
    assert (failed["module"], failed["owner"], failed["kind"]) == (None, "Sequential", "module")
    assert "failed" not in whole
    assert (whole["matched"], whole["changed"], whole["missing"]) == (9, 0, [])


def test_shared_weights_count_at_each_of_their_names(watched: Watching) -> None:
    with watched(Loading) as seen:
        begin()
        model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
        model[1].weight = model[0].weight
        model.load_state_dict(model.state_dict())
    (found,) = loads(seen)
    assert (found["keys"], found["matched"], found["missing_count"]) == (2, 2, 0)


def test_a_state_that_is_no_table_is_left_to_torch(watched: Watching) -> None:
    with watched(Loading) as seen:
        begin()
        with pytest.raises(TypeError):
            nn.Linear(2, 2).load_state_dict([1, 2])  # type: ignore[arg-type]
        nn.Linear(2, 2).load_state_dict(nn.Linear(2, 2).state_dict())
    (found,) = loads(seen)
    assert "failed" not in found


def test_modules_and_optimizers_are_bounded_by_class(
    watched: Watching, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "LOADS_AT_MOST", 2)
    with watched(Loading) as seen:
        begin()
        linear, norm = nn.Linear(2, 2), nn.LayerNorm(2)
        optimizer = torch.optim.Adam(linear.parameters())
        for owner in (linear, norm, optimizer) * 3:
            owner.load_state_dict(owner.state_dict())
    assert [found["owner"] for found in loads(seen)] == ["Linear", "LayerNorm", "Adam"] * 2


def test_an_optimizer_that_is_given_less_than_a_state(watched: Watching) -> None:
    with watched(Loading) as seen:
        begin()
        optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.5)
        with pytest.raises(TypeError):
            optimizer.load_state_dict({"param_groups": 3})
    (found,) = loads(seen)
    assert (found["kind"], found["given_state"], found["rates_given"]) == ("optimizer", 0, [])
    assert (found["parameters"], found["rates_before"]) == (1, [0.5])
    assert "rates_after" not in found
    assert "len()" in found["failed"]
