"""Unit tests of `effective-batch-changed`, on invented runs."""

from __future__ import annotations

from assay.checks.distributed.effective_batch_changed import EffectiveBatchChanged
from assay.checks.finding import Finding
from assay.journal.view import Event
from assay.testing import make_run, make_training

CHECK = EffectiveBatchChanged()


def findings(
    *,
    ranks: tuple[int, int] = (4, 2),
    rows: tuple[int, int] = (32, 32),
    rates: tuple[float, float] = (0.1, 0.1),
    passes: tuple[float, float] = (1, 1),
    loaded: bool = True,
    optimizer: str = "SGD",
    layer: str = "fc",
) -> list[Finding]:
    trainings = [
        make_training(
            index=part,
            process=part,
            optimizer=optimizer,
            steps=8,
            learning_rate={"group 0": [rates[part]] * 8},
            backward_passes=[passes[part]] * 8,
            grad_norm={layer if part else "fc": [1.0] * 8},
        )
        for part in (0, 1)
    ]
    events = [
        Event(
            "input", 0, {"place": "input 0", "shape": [rows[p], 6], "dtype": "float32"}, process=p
        )
        for p in (0, 1)
    ]
    if loaded:
        events.append(Event("load_state", 0, {"kind": "module"}, process=1))
    run = make_run(*trainings, events=events)
    run.facts["processes"] = [{"rank": 0, "world": world} for world in ranks]
    return list(CHECK.review(run))


def test_half_of_the_ranks_at_the_old_rate() -> None:
    (finding,) = findings()
    assert "4 ranks took batches of 128, 2 ranks went on with batches of 64" in finding.summary
    assert "0.05 by the linear rule, 0.0707 by the root rule" in finding.summary
    assert finding.severity == "note"


def test_the_rule_of_adaptive_optimizers_stands_first() -> None:
    (finding,) = findings(optimizer="AdamW", ranks=(1, 4))
    assert "1 rank took batches of 32, 4 ranks" in finding.summary
    assert "0.2 by the root rule, 0.4 by the linear rule" in finding.summary


def test_what_keeps_the_batch_or_changes_the_rate_is_silent() -> None:
    assert not findings(rows=(32, 64))
    assert not findings(passes=(1, 2))
    assert not findings(rates=(0.1, 0.05))
    assert not findings(rates=(0.1, 0.07))
    assert findings(rates=(0.1, 0.095))
    assert not findings(ranks=(6, 5))
    assert findings(ranks=(6, 4))


def test_other_trainings_are_not_compared() -> None:
    assert not findings(loaded=False)
    assert not findings(layer="other")
    assert not findings(ranks=(2, 2), rows=(32, 64))
