"""Rows of batches: those that were met before, those in another order, and neighbours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.probes.data import neighbours, overlap
from assay.probes.data.neighbours import Neighbours, compare
from assay.probes.data.overlap import Overlap, row_prints
from assay.probes.model import sample_order
from assay.probes.model.norm_statistics import NormStatistics
from assay.replay.structure import NotReplayable

from .noting import Noting

# -- met before ---------------------------------------------------------------------------------


def rows(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


KNOWN, NEW = rows(100), rows(100, 1)


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        (KNOWN, True),
        (KNOWN[:, :4], True),
        (KNOWN[:, :3], False),
        (KNOWN[:, 0], False),
        (KNOWN > 0, False),
        (KNOWN + 0j, False),
        (KNOWN.to_sparse(), False),
        (torch.cat([KNOWN[:80], KNOWN[:20]]), True),
        (torch.cat([KNOWN[:79], KNOWN[:21]]), False),
        (torch.arange(600).reshape(100, 6), True),
        (torch.arange(600.0).reshape(100, 6) % 588, True),
        (torch.arange(600.0).reshape(100, 6) % 582, False),
        (torch.arange(600).reshape(100, 6) % 582, False),
        (KNOWN.reshape(10, 10, 6), True),
    ],
)
def test_rows_that_have_a_print(batch: Tensor, told: bool) -> None:
    prints = row_prints(batch)
    assert (prints is not None) is told
    if prints is not None:
        assert len(prints) == len(batch)
        turned = row_prints(batch.flip(0))
        assert turned is not None
        assert turned[::-1] == pytest.approx(prints, rel=1e-12)


def test_a_print_weighs_columns_and_of_wide_rows_some() -> None:
    batch = rows(5)
    weights = torch.cos(1.7 * torch.arange(6).double() + 0.3)
    assert row_prints(batch) == pytest.approx((batch.double() @ weights).tolist())
    wide = torch.randn(5, 3 * 2048)
    weights = torch.cos(1.7 * torch.arange(2048).double() + 0.3)
    assert row_prints(wide) == pytest.approx((wide[:, ::3].double() @ weights).tolist())


def test_the_share_of_known_rows() -> None:
    assert overlap._share([0.0, 1.0, 2.0, 3.0], {1.0, 9.0, 3.0}) == 0.5


def watching(*batches: Tensor, index: int = 0) -> tuple[Overlap, Noting]:
    watch = Noting(trainings=[SimpleNamespace(index=index)])
    probe = Overlap(watch)
    for batch in batches:
        probe.add("x", batch)
    return probe, watch


def evaluate(probe: Overlap, *batches: Tensor) -> None:
    for batch in batches:
        probe.ask("x", batch)


def test_batches_of_an_evaluation_are_counted() -> None:
    probe, watch = watching(KNOWN, KNOWN)
    half = torch.cat([KNOWN[:20], NEW[:20]])
    some = torch.cat([KNOWN[:3], NEW[:37]])
    most = torch.cat([KNOWN[:35], NEW[:5]])
    evaluate(probe, KNOWN[:40], half, NEW[:40], some, most)
    told = [data for _, data in watch.events]
    assert [data["batches"] for data in told] == [1, 2, 4]
    assert [(d["whole"], d["mixed"], d["rows"], d["seen"]) for d in told] == [
        (1, 0, 40, 40), (1, 1, 80, 60), (1, 1, 160, 63),
    ]  # fmt: skip
    probe.finish()
    (_, last) = watch.events[-1]
    assert (last["batches"], last["whole"], last["mixed"], last["seen"]) == (5, 2, 1, 98)
    assert last["early"] == pytest.approx((1 + 0.5) / 2)
    assert last["late"] == pytest.approx((0 + 0.075 + 0.875) / 3)
    assert last["place"] == "x"


def test_shares_are_of_what_training_meets_again() -> None:
    """Half of what training draws is known: a batch with 45 % known rows is known all through."""
    probe, watch = watching(KNOWN, torch.cat([KNOWN[:60], NEW[:40]]))
    evaluate(probe, torch.cat([KNOWN[:22], rows(18, 2)]))
    assert watch.events[-1][1]["whole"] == 1
    probe, watch = watching(KNOWN, torch.cat([KNOWN[:49], NEW[:51]]))
    evaluate(probe, KNOWN[:40])
    assert watch.events == []


def test_the_last_eight_batches_of_training_say_how_much_comes_again() -> None:
    fresh = [rows(100, seed) for seed in range(5, 9)]
    probe, watch = watching(KNOWN, *fresh, *[KNOWN] * 8)
    evaluate(probe, KNOWN[:40])
    assert watch.events[-1][1]["whole"] == 1


def test_what_is_not_asked() -> None:
    probe, watch = watching(KNOWN, KNOWN)
    evaluate(probe, KNOWN[:15])
    probe.ask("y", KNOWN)
    evaluate(probe, KNOWN[:16] > 0)
    assert watch.events == []
    evaluate(probe, KNOWN[:16])
    assert len(watch.events) == 1
    alone, watch = watching(KNOWN)
    evaluate(alone, KNOWN)
    assert watch.events == []


def test_another_training_begins_anew() -> None:
    probe, watch = watching(KNOWN, KNOWN)
    watch.trainings.append(SimpleNamespace(index=1))
    probe.add("x", NEW)
    probe.add("x", NEW)
    evaluate(probe, KNOWN[:40])
    assert watch.events[-1][1]["seen"] == 0


def test_four_places_and_none_that_has_no_print() -> None:
    probe, _ = watching()
    for place in "abcde":
        probe.add(place, KNOWN)
    assert list(probe._known) == list("abcd")
    probe, _ = watching(KNOWN > 0, KNOWN, KNOWN)
    assert probe._known == {}


def test_64_batches_of_one_line() -> None:
    probe, watch = watching(KNOWN, KNOWN)
    evaluate(probe, *[KNOWN[:16]] * 70)
    probe.finish()
    assert watch.events[-1][1]["batches"] == 64


# -- in another order ---------------------------------------------------------------------------

ANSWERS = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
SPREAD = 8**0.5


def test_the_change_of_the_median_row_over_their_spread() -> None:
    moved = ANSWERS + torch.tensor([[1.0, 0], [1.0, 0], [0, 0], [0, 9.0]])
    assert sample_order._change(ANSWERS, moved) == pytest.approx(1 / SPREAD)
    assert sample_order._change(ANSWERS[:, :, None], moved.half()) == pytest.approx(1 / SPREAD)
    assert sample_order._change(ANSWERS * 0, moved) is None


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (torch.zeros(8, 3), True),
        (torch.zeros(8), True),
        (torch.zeros(8, 3).long(), False),
        (torch.tensor(8.0), False),
        (torch.zeros(7, 3), False),
        (torch.zeros(8, 8), False),
    ],
)
def test_one_row_a_sample(made: Tensor, found: bool) -> None:
    assert sample_order._is_per_sample(made, 8) is found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (torch.zeros(8, 3, 2), True),
        (torch.zeros(8, 3), False),
        (torch.zeros(8, 3).long(), True),
        (torch.zeros(8).long(), False),
        (torch.zeros(8, 1, 2), False),
        (torch.zeros(8, 2, 2), True),
        (torch.zeros(7, 3, 2), False),
    ],
)
def test_places_within_a_sample(given: Tensor, found: bool) -> None:
    assert sample_order._has_places(given, 8) is found


@pytest.mark.parametrize(
    ("samples", "inputs", "why"),
    [
        (None, [torch.zeros(8, 3)], "one target for each"),
        (3, [torch.zeros(3, 2)], "fewer than 4"),
        (4, [torch.zeros(4, 2)], None),
        (8, [torch.zeros(8, 3)], None),
        (8, [torch.zeros(()), torch.zeros(8, 3)], None),
        (8, [torch.zeros(3, 7)], "which dimension"),
        (8, [torch.zeros(8, 8)], "several dimensions"),
        (8, [torch.zeros(8, 3), torch.zeros(3, 8)], "several dimensions"),
    ],
)
def test_how_many_samples_there_are(samples: Any, inputs: list[Tensor], why: str | None) -> None:
    replays: Any = SimpleNamespace(samples=samples, inputs=dict(enumerate(inputs)))
    if why is None:
        assert sample_order._rows(replays) == samples
    else:
        with pytest.raises(NotReplayable, match=why):
            sample_order._rows(replays)


def test_answers_are_those_with_a_row_for_each_sample() -> None:
    plain, images = torch.zeros(8, 3), torch.zeros(8, 3, 2, 2)
    made = [plain, torch.zeros(7, 3), torch.zeros(8, 3, 2), images]
    assert [one.shape for one in sample_order._answers(made, 8)] == [plain.shape, images.shape]
    with pytest.raises(NotReplayable, match="not one for each"):
        sample_order._answers([torch.zeros(8, 3, 2)], 8)


# -- neighbours ---------------------------------------------------------------------------------


def heard(count: int, *steps: Any) -> tuple[Neighbours, Noting]:
    """Steps are pairs of an input and its target, and the name of the loss."""
    watch = Noting()
    probe = Neighbours(watch)
    for given, target, name in steps[:count]:
        probe.iteration_begins()
        probe.on_root_begin(None, (given,), {})
        scale = torch.ones((), requires_grad=True)
        function = getattr(F, name)
        probe.on_loss(name, function, (scale, target), {}, scale)
        probe.on_backward_begin(None, kept=False)
    return probe, watch


def batch(size: int = 64, seed: int = 0, wide: int = 4) -> tuple[Tensor, Tensor, str]:
    given = torch.randn(size, wide, generator=torch.Generator().manual_seed(seed))
    return given, (given[:, 0] > 0).long(), "cross_entropy"


def test_it_is_told_of_256_rows_and_of_1024_and_then_no_more() -> None:
    steps = [batch(seed=seed) for seed in range(20)]
    for count, told in ((3, 0), (4, 1), (15, 1), (16, 2), (20, 2)):
        probe, watch = heard(count, *steps)
        assert [data["rows"] for _, data in watch.events] == [256, 1024][:told]
        assert probe._count == min(count, 16) * 64
    probe, watch = heard(5, *steps)
    probe.finish()
    assert [data["rows"] for _, data in watch.events] == [256, 320]
    for count, told in ((3, 0), (16, 2)):
        probe, watch = heard(count, *steps)
        probe.finish()
        assert len(watch.events) == told


X, LABELS, CE = batch()


@pytest.mark.parametrize(
    ("step", "kept"),
    [
        ((X, LABELS, CE), 64),
        ((X, X[:, 0], "mse_loss"), 64),
        ((X, X[:, :1], "mse_loss"), 64),
        ((X, X[:, :2], "mse_loss"), 0),
        ((X, LABELS[:, None], CE), 0),
        ((X, LABELS[:63], CE), 0),
        ((X, X[:, 0], CE), 0),
        ((X, LABELS, "mse_loss"), 0),
        ((X, X[:, 0].clone().requires_grad_(), "mse_loss"), 0),
        ((X.long(), LABELS, CE), 0),
        ((X[:, 0], LABELS, CE), 0),
        ((X[:1], LABELS[:1], CE), 0),
        ((X.clone().requires_grad_(), LABELS, CE), 0),
    ],
)
def test_rows_with_a_target_each(step: Any, kept: int) -> None:
    probe, watch = heard(1, step)
    assert probe._count == kept
    assert watch.why == {}


def test_what_is_no_loss_of_one_kind() -> None:
    probe, watch = heard(1, (X, X, "kl_div"))
    assert "none that is known" in watch.why["neighbours"]
    probe.on_loss("mse_loss", F.mse_loss, (X, X[:, 0]), {}, torch.ones((), requires_grad=True))
    assert probe._count == 0
    probe, _ = heard(2, batch(), batch(wide=5))
    assert probe._count == 64
    probe, watch = heard(1, batch())
    probe.on_loss(CE, F.cross_entropy, (X, LABELS), {}, torch.ones(()))
    assert watch.why == {}
    probe.on_loss(CE, F.cross_entropy, (X, LABELS), {}, torch.ones((), requires_grad=True))
    assert "several" in watch.why["neighbours"]
    assert probe._rows == probe._targets == []


def test_rows_on_64_directions() -> None:
    probe = Neighbours(Noting())
    assert torch.equal(probe._projected(rows(5)), rows(5))
    assert torch.equal(probe._projected(torch.ones(5, 64)), torch.ones(5, 64))
    given = torch.randn(5, 2, 50)
    flat = given.reshape(5, 100)
    assert torch.equal(probe._projected(given), flat @ neighbours.drawn(100, 64))
    probe = Neighbours(Noting())
    wide = torch.randn(5, 3 * 2048 + 100)
    chosen = wide[:, ::3][:, :2048]
    assert torch.equal(probe._projected(wide), chosen @ neighbours.drawn(2048, 64))


def test_against_formulas_written_down_once_more() -> None:
    given = torch.randn(300, 3, generator=torch.Generator().manual_seed(5))
    labels = (given[:, 0] > 0.3).long() + 2 * (given[:, 1] > 0).long()
    found = compare(torch.cat([given, given]), torch.cat([labels, labels]), labels=True)
    assert found is not None
    # rows are ordered by their sums, which is what tells one from another
    x = given.double()
    both = torch.cat([x, x])
    x = (x - both.mean(0)) / both.std(0)
    order = x.sum(1).argsort()
    x, y = x[order], labels[order]
    near = [[j for j in torch.cdist(x[i : i + 1], x)[0].argsort().tolist() if j != i][:5]
            for i in range(300)]  # fmt: skip
    hits = [[float(y[j] == y[i]) for j in near[i]] for i in range(300)]
    assert found["rows"] == 300
    assert found["agree"] == pytest.approx(sum(map(sum, hits)) / 1500)
    counts = [int((y == c).sum()) for c in range(4)]
    assert found["chance"] == pytest.approx(sum(n * (n - 1) for n in counts) / (300 * 299))
    hot = F.one_hot(y).double()
    hot = hot - hot.mean(0)

    def errors(products: Tensor) -> float:
        return float(products.mean() / (products.std() / 300**0.5))

    mean = torch.stack([hot[near[i]].mean(0) for i in range(300)])
    assert found["by_neighbours"] == pytest.approx(errors((hot * mean).sum(1)))
    assert found["at_best"] == pytest.approx(errors(hot.square().sum(1)))
    lines = []
    for at in (0, 1):
        known, asked = x[at::2], x[1 - at :: 2]
        weights = torch.linalg.inv(known.T @ known + 15 * torch.eye(3).double())
        answers = asked @ (weights @ known.T @ hot[at::2])
        products = (answers * hot[1 - at :: 2]).sum(1)
        lines.append(float(products.mean() / (products.std() / 150**0.5)))
    assert found["by_line"] == pytest.approx(max(lines))
    numbers = compare(given, given[:, 0] * 2, labels=False)
    assert numbers is not None
    assert numbers["agree"] is numbers["chance"] is None


@pytest.mark.parametrize(("classes", "told"), [(1, False), (2, True), (256, True), (257, False)])
def test_two_to_256_classes(classes: int, told: bool) -> None:
    given = torch.randn(300, 3, generator=torch.Generator().manual_seed(5))
    found = compare(given, torch.arange(300) % classes, labels=True)
    assert (found is not None) is told


def test_infinite_targets_say_nothing() -> None:
    target = torch.arange(300.0)
    target[7] = torch.inf
    assert compare(rows(300), target, labels=False) is None


# -- batch norm ---------------------------------------------------------------------------------


def norm(given: Tensor, module: Any = None, **more: Any) -> dict[str, float]:
    watch = Noting(**more)
    made: Any = nn.BatchNorm1d(given.shape[1], eps=0.5) if module is None else module
    if made.running_mean is not None:
        made.running_mean += torch.arange(given.shape[1])
        made.running_var *= 4
    NormStatistics(watch).on_module_end(made, (given,), None)
    return {name: number for (name, _), number in watch.numbers.items()}


def test_what_batch_norm_is_taken_over() -> None:
    given = torch.tensor([[[0.0, 2.0], [1.0, 1.0]], [[4.0, 6.0], [1.0, 5.0]]])
    found = norm(given)
    offset = [(0 - 3) ** 2 / 4.5, (1 - 2) ** 2 / 4.5]
    ratio = (4.5 / (20 / 3 + 0.5) * 4.5 / (4 + 0.5)) ** 0.25
    assert found == {
        "norm_rows": 2, "norm_values": 4, "norm_updates": 0,
        "norm_offset": pytest.approx((sum(offset) / 2) ** 0.5),
        "norm_spread_ratio": pytest.approx(ratio),
    }  # fmt: skip
    assert norm(torch.ones(1, 2)) == {"norm_rows": 1, "norm_values": 1, "norm_updates": 0}
    assert len(norm(torch.ones(2, 2))) == 5


def test_where_batch_norm_is_not_looked_at() -> None:
    given = torch.ones(2, 2)
    assert norm(given, nn.BatchNorm1d(2).eval()) == {}
    assert norm(given, nn.BatchNorm1d(2, track_running_stats=False)) == {}
    assert norm(given, is_full=False) == {}
    watch = Noting()
    NormStatistics(watch).on_module_end(nn.BatchNorm1d(2), (), None)
    NormStatistics(watch).on_module_end(nn.BatchNorm1d(2), (torch.ones(2),), None)
    assert watch.numbers == {}


def test_64_batch_norms_and_no_more() -> None:
    watch = Noting()
    probe = NormStatistics(watch)
    for number in [*range(65), 3]:
        watch.names.module = lambda module, number=number: f"{number}"
        probe.on_module_end(nn.BatchNorm1d(2), (torch.ones(2, 2),), None)
    assert sum(name == "norm_rows" for name, _ in watch.numbers) == 64
