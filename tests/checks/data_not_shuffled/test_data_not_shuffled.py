"""The check `data-not-shuffled` at its limits, on invented runs."""

from __future__ import annotations

import math

import pytest

from assay.checks.data.data_not_shuffled import DataNotShuffled, clumping, entropy
from assay.journal.view import Event, RunView, Site
from assay.testing import make_run, only_finding

LINE = Site("train.py", 12, "<module>")


def labelled(batches, loader=None, **more) -> RunView:
    classes = range(len(batches[0])) if batches else range(0)
    counts = {str(c): [batch[c] for batch in batches] for c in classes}
    events = [Event("loader", 0, loader, LINE)] if loader else []
    call = {"place": "cross_entropy", "input": {"shape": [32, 4], "dtype": "float32"}}
    events.append(Event("loss_call", 0, call, Site("train.py", 30)))
    return make_run(label_count=counts, events=events, **more)


def sorted_batches(n: int = 16, size: int = 32):
    return [[size, 0] if i < n // 2 else [0, size] for i in range(n)]


def test_sorted_labels_are_found() -> None:
    finding = only_finding(DataNotShuffled(), labelled(sorted_batches()))
    assert finding.severity == "warning"
    assert finding.evidence[0].value == pytest.approx(1.0, abs=0.05)
    assert finding.where.site.line == 30
    assert finding.tricks[0].name == "shuffle"


def test_the_line_that_built_the_loader_is_named() -> None:
    built = {"grad": True, "built": ["train.py", 8, "<module>"]}
    assert only_finding(DataNotShuffled(), labelled(sorted_batches(), built)).where.site.line == 8
    assert (
        only_finding(DataNotShuffled(), labelled(sorted_batches(), {"grad": True})).where.site
        == LINE
    )


@pytest.mark.parametrize(
    "batches",
    [
        [[16, 16]] * 16,  # balanced by design
        [[15, 17], [18, 14]] * 8,
        [[30, 2]] * 16,  # unequal classes
        [[32, 0]] * 16,  # one class only
        [[1, 0], [0, 1]] * 8,  # batches of one
        sorted_batches(n=6),  # too few
        [[3, 0], [0, 3]] * 8,  # too small
        [[8, 0, 0, 0], [0, 8, 0, 0], [8, 8, 8, 8]] * 0,
    ],
)
def test_other_label_orders_are_silent(batches) -> None:
    assert not list(DataNotShuffled().review(labelled(batches)))


def test_one_batch_over_and_over_is_silent() -> None:
    assert not list(DataNotShuffled().review(labelled([[20, 12]] * 40)))


def test_blocks_longer_than_the_samples_show_in_the_file_order() -> None:
    blocks = {"grad": True, "labels_equal_next": 0.999, "labels_equal_by_chance": 0.1}
    finding = only_finding(DataNotShuffled(), labelled([[32, 0]] * 16, blocks))
    assert "SequentialSampler" in finding.summary


def test_a_sorted_file_that_is_not_what_trains_is_silent() -> None:
    blocks = {"grad": True, "labels_equal_next": 0.999, "labels_equal_by_chance": 0.5}
    assert not list(DataNotShuffled().review(labelled([[15, 17], [18, 14]] * 8, blocks)))
    test = {**blocks, "grad": False}
    assert not list(DataNotShuffled().review(labelled([[32, 0]] * 16, test)))


def test_without_labels_it_is_skipped() -> None:
    why = str(DataNotShuffled().why_skipped(make_run(loss=[1.0])))
    assert why.startswith("no loss function of torch.nn was given class labels")


def test_clumping_and_entropy() -> None:
    assert entropy([5, 5]) == pytest.approx(math.log(2))
    assert entropy([0, 0]) == 0
    assert math.isnan(clumping([]))
    assert math.isnan(clumping([[4, 0], [4, 0]]))
    assert clumping([[8, 8]] * 10) < 0
