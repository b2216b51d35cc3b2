"""Every number that is recorded, against plain torch in float64.

`references.py` says what each signal ought to be, `variants.py` holds the trainings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from references import REFERENCES, WITHOUT, Step
from torch import nn
from variants import VARIANTS, train

from assay.checks.loss.loss_not_finite import LossNotFinite
from assay.journal.signals import SIGNALS
from assay.probes.catalogue import IN_TRIALS, PROBES
from assay.probes.evaluation.evaluation import Evaluation
from assay.probes.run.setup import Setup

pytestmark = pytest.mark.usefixtures("no_haste")

ALL = [probe for probe in (*PROBES, *IN_TRIALS) if probe is not Setup]  # reads files, no numbers

SPEAKING = (
    "long", "twins", "momentum", "modes", "logits", "log-probabilities", "probabilities", "unit",
    "infinite data", "infinite weights", "a layer outside", "scaled", "gradients never cleared",
    "saturated", "mse",
)  # fmt: skip
"""Variants in which, together, each signal is something else than 0."""

WHERE_POSSIBLE = {
    "step_quality": 2e-2,
    "predicted_change": 1e-4,
    "actual_change": 2e-2,
    "sharpness": 0.4,
    "sharpness_min": 0.9,
    "rate_times_sharpness": 0.4,
    "stability_limit": 1e-6,
    "learning_rate": 1e-6,
}
"""Measured at some steps and in some variants only, and how exactly: relative. The first sharpness
is a quick one (tests/probes/test_sharpness.py holds the later ones to 5 %)."""

NOT_OF_SKIPPED = {"loss", "learning_rate", "loss_alike", "training_error", "update_norm",
                  "weight_changed_share"}  # fmt: skip

Key = tuple[int, int, str]


def expected(steps: list[Step], signal: str, keys: set[Key]) -> list[tuple[Key, float, Step]]:
    """Returns what ought to be there: of a step that was skipped and tried again, the last try."""
    found: dict[Key, tuple[float, Step]] = {}
    there = {(step, at) for step, at, _ in keys} if signal in WHERE_POSSIBLE else None
    for step in steps:
        if there is not None and (step.training, step.index) not in there:
            continue
        if step.skipped and (signal in NOT_OF_SKIPPED or signal in WHERE_POSSIBLE):
            continue
        at = step.index + (signal == "loss_scale" and not step.skipped)
        for place, value in REFERENCES[signal](step).items():
            found[step.training, at, place] = value, step
    return [(key, value, step) for key, (value, step) in found.items()]


def recorded(view: Any, signal: str) -> Iterator[tuple[Key, float]]:
    for training in view.trainings:
        for place in training.places(signal):
            for step, value in training.series(signal, place):
                yield (training.index, step, place), value


def slack(signal: str, step: Step, place: str, tolerance: float) -> float:
    """A sum of numbers that cancel is known to within the rounding of its terms."""
    if signal.endswith("_mean"):
        size = REFERENCES[signal.removesuffix("mean") + "std"](step)[place]
        return tolerance * size if math.isfinite(size) else 0.0
    if signal == "input_fingerprint":
        return tolerance * float(step.last.inputs[place].double().nan_to_num(0, 0, 0).abs().sum())
    return 1e-6 if signal in ("label_entropy", "actual_change", "step_quality") else 0.0


def wrong(steps: list[Step], view: Any, signal: str, tolerance: float) -> list[str]:
    """What is not as it ought to be, in words."""
    found = sorted(recorded(view, signal), key=lambda item: item[0])
    right = sorted(expected(steps, signal, {key for key, _ in found}), key=lambda item: item[0])
    tolerance = max(tolerance, WHERE_POSSIBLE.get(signal, 0.0))
    if signal == "step_quality" and not dict(recorded(view, "actual_change")):
        tolerance = 0.1  # by curvature, on the next batch's graph
    lines = []
    keys, wanted = [key for key, _ in found], [key for key, _, _ in right]
    lines += [f"{signal} {key} is missing" for key in wanted if key not in keys]
    lines += [f"{signal} {key} ought not to be there" for key in keys if key not in wanted]
    if not lines and keys != wanted:
        lines.append(f"{signal}: {keys} and not {wanted}")
    for (key, value), (_, ideal, step) in zip(found, right, strict=False) if not lines else ():
        both_nan = math.isnan(value) and math.isnan(ideal)
        room = slack(signal, step, key[2], tolerance)
        if not both_nan and not math.isclose(value, ideal, rel_tol=tolerance, abs_tol=room):
            lines.append(f"{signal} {key}: {value} and not {ideal}")
    return lines


def test_a_step_that_was_skipped_is_measured_again_under_its_number(watched: Any) -> None:
    torch.manual_seed(0)
    model = nn.Linear(2, 1)
    norms = []
    with watched(*ALL) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
        for number in range(6):
            optimizer.zero_grad()
            out = model(torch.ones(1, 2)).sum() * (math.inf if number in (0, 2, 3, 5) else number)
            scaler.scale(out).backward()
            if math.isfinite(out.item()):
                norms.append(float(number * 2**0.5))
            scaler.step(optimizer)
            scaler.update()
    (training,) = seen.view.trainings
    found = training.series("grad_norm", "weight")
    assert list(found.steps) == [0, 1]
    assert list(found.values) == pytest.approx(norms)
    given = training.series("input_mean", "input 0")
    assert list(given.steps) == [0, 1, 2], "the last step was skipped and not tried again"
    assert list(training.series("update_norm", "weight").steps) == [0, 1]
    assert [event.step for event in seen.view.events("step_skipped")] == [0, 1, 1, 2]


@pytest.mark.parametrize("name", VARIANTS)
def test_every_number_is_that_of_plain_torch(watched: Any, name: str) -> None:
    variant = VARIANTS[name]
    with watched(*ALL) as seen:
        steps = train(variant)
    there = {signal for training in seen.view.trainings for signal in training.signals}
    assert there <= REFERENCES.keys() | WITHOUT.keys()
    lines = []
    for signal in REFERENCES:
        if signal not in variant.lacks:
            lines += wrong(steps, seen.view, signal, variant.tolerance)[:3]
    assert not lines, "\n".join(lines)


def test_each_declared_signal_has_a_reference_or_a_reason() -> None:
    assert REFERENCES.keys() | WITHOUT.keys() == SIGNALS.keys()
    assert not REFERENCES.keys() & WITHOUT.keys()


def test_each_reference_meets_a_number_that_is_not_zero(watched: Any) -> None:
    """A reference that is 0 in all variants would agree with a probe that measures nothing."""
    silent = set(REFERENCES)
    for name in SPEAKING:
        with watched(*ALL) as seen:
            train(VARIANTS[name])
        for signal in list(silent):
            if any(abs(value) > 0 for _, value in recorded(seen.view, signal)):
                silent.discard(signal)
    assert silent == set()


@pytest.mark.parametrize("signal", sorted(WHERE_POSSIBLE))
def test_what_is_measured_where_possible_is_measured_somewhere(watched: Any, signal: str) -> None:
    with watched(*ALL) as seen:
        train(VARIANTS["long"])
    assert seen.view.trainings[0].places(signal)


def test_an_evaluation_is_the_mean_over_its_samples(watched: Any) -> None:
    torch.manual_seed(0)
    model = nn.Linear(4, 3)
    x, y = torch.randn(11, 4), torch.randint(0, 3, (11,))
    y[3] = -100
    with watched(Evaluation) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        weight, bias = model.weight.detach().clone(), model.bias.detach().clone()
        with torch.no_grad():
            F.cross_entropy(model(x[4:]), y[4:])
            F.cross_entropy(model(x[:4]), y[:4], reduction="sum")
            F.mse_loss(model(x[:2]), torch.ones(2, 3))
    training = seen.view.trainings[0]
    by_class, by_number = training.evaluations
    assert training.places("evaluation_loss") == ("cross_entropy", "mse_loss")
    assert training.places("evaluation_accuracy") == ("cross_entropy",)
    for phase in (by_class, by_number):
        assert list(training.series("evaluation_loss", phase.function)) == [(1, phase.loss)]
    accuracies = training.series("evaluation_accuracy", "cross_entropy")
    assert list(accuracies) == [(1, by_class.accuracy)]
    out = x.double() @ weight.double().T + bias.double()
    each = F.cross_entropy(out, y, reduction="none")
    assert (by_class.function, by_class.samples, by_class.step) == ("cross_entropy", 11, 1)
    expected = (7 * float(each[4:].mean()) + float(each[:4].sum())) / 11
    assert by_class.loss == pytest.approx(expected, rel=1e-6)
    right = int(((out.argmax(1) == y) & (y != -100)).sum())
    assert by_class.accuracy == pytest.approx(right / 10)
    assert (by_number.function, by_number.accuracy, by_number.samples) == ("mse_loss", None, 2)
    assert by_number.loss == pytest.approx(float((out[:2] - 1).square().mean()), rel=1e-6)


def test_a_finite_weight_of_1e20_is_not_called_the_cause(watched: Any) -> None:
    """Its norm overflowed float32, and was reported as exact."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 1))
    with torch.no_grad():
        model[0].bias.fill_(1e20)
        model[1].weight.mul_(1e-20)
    with watched(*ALL) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-30)
        for step in range(6):
            out = model(torch.randn(8, 4))
            loss = out.mean() - torch.log(torch.tensor([0.0 if step == 4 else 1.0])).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    training = seen.view.trainings[0]
    assert training.series("weight_norm", "0.bias").first == pytest.approx(6**0.5 * 1e20)
    assert set(training.series("weight_nonfinite_share", "0.bias").values) == {0.0}
    (finding,) = LossNotFinite().review(seen.view)
    assert "infinite at step 4" in finding.summary
    assert "weight" not in finding.summary


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_weight_that_is_not_finite_is_counted_and_named(watched: Any, value: float) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 1))
    with watched(*ALL) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for step in range(4):
            if step == 2:
                model[1].weight.data[0, 1:3] = value
            optimizer.zero_grad()
            model(torch.randn(8, 4)).mean().backward()
            optimizer.step()
    shares = seen.view.trainings[0].series("weight_nonfinite_share", "1.weight").values
    assert list(shares[:3]) == [0.0, 0.0, pytest.approx(2 / 6)]
    (finding,) = LossNotFinite().review(seen.view)
    assert "what was not finite first was the weight `1.weight`" in finding.summary
