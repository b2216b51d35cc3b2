"""What a probe costs is known from what it hears, and only a dear one is handed time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import pytest
import torch

from assay.probes.catalogue import IN_TRIALS, PROBES
from assay.watching.probe import Probe

Watched = Callable[..., AbstractContextManager[Any]]


def test_tiers_of_all_probes() -> None:
    for probe in (*PROBES, *IN_TRIALS):
        if probe.cost != "dear":
            assert probe.cost == ("cheap" if probe.sampled else "free"), probe
    dear = {probe.name for probe in PROBES if probe.cost == "dear"}
    assert dear == {
        "step_quality", "sharpness", "sample_order", "questions", "first_questions", "lookahead",
        "half_gradients", "mode_gap",
    }  # fmt: skip


class Asks(Probe):
    """Asks for time at each step."""

    name = "structure"
    sampled: ClassVar = ("step_end",)

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self.answers: list[Any] = []

    def on_step_end(self, optimizer: Any) -> None:
        try:
            self.answers.append(self.watch.grant(1.0))
        except TypeError as error:
            self.answers.append(str(error))


class AsksAndIsDear(Asks):
    """The same, and says so."""

    cost = "dear"


@pytest.mark.parametrize(("probe", "kind"), [(Asks, str), (AsksAndIsDear, bool)])
def test_only_a_dear_probe_may_ask(watched: Watched, probe: type[Asks], kind: type) -> None:
    with watched(probe) as seen:
        weight = torch.nn.Parameter(torch.ones(2))
        optimizer = torch.optim.SGD([weight], 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            weight.square().sum().backward()
            optimizer.step()
        answers = next(p for p in seen.watch.probes if type(p) is probe).answers
    assert len(answers) == 3
    assert {type(answer) for answer in answers} == {kind}
