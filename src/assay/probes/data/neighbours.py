"""Probe: whether inputs that lie near each other have like targets."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from ...seams.arguments import bind
from ...watching.probe import Probe

ROWS_AT_MOST, ROWS_AT_LEAST = 1024, 256
COLUMNS_AT_MOST, DIRECTIONS = 2048, 64
"""Numbers of a row that are looked at, and directions that they are projected on."""
NEAREST = 5
CLASSES_AT_MOST = 256
CLASSES = ("cross_entropy", "nll_loss", "multi_margin_loss")
NUMBERS = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss",
           "binary_cross_entropy", "binary_cross_entropy_with_logits")  # fmt: skip


class Neighbours(Probe):
    """Keeps up to 1,024 rows of the input, on 64 directions, with their targets.

    Event `neighbours`, once there are 256 different rows, when there are 1,024, and at the end:
    whether the five nearest rows of each have its target more often than chance would, and whether
    a linear model of one half of the rows tells the targets of the other. Both are given as a
    number of standard errors. Of runs with one loss, with one target for each row of numbers: of
    tokens neither of the two would see what their order says.
    """

    name = "neighbours"
    sampled: ClassVar = ("root_begin", "loss", "backward_begin")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._directions: Tensor | None = None
        self._rows: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._kind: Any = None
        self._count = self._told = 0
        self._on = True
        self.iteration_begins()

    def iteration_begins(self) -> None:
        """Forgets the input of an earlier iteration."""
        self._input: Tensor | None = None
        self._losses = 0

    def on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        """Keeps the first input until its loss is known."""
        given = [v for v in (*args, *kwargs.values()) if isinstance(v, Tensor) and v.dim() > 1]
        if self._on and self._input is None and given and len(given[0]) > 1:
            one = given[0]
            whole = one.layout is torch.strided and not one.requires_grad
            self._input = one if whole and one.is_floating_point() else None

    def on_loss(self, name: str, function: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Adds the rows of an iteration with their targets."""
        if not self._on or not result.requires_grad:
            return
        self._losses += 1
        target = bind(function, args, kwargs).get("target")
        if self._losses > 1 or name not in (*CLASSES, *NUMBERS):
            self._stop("the loss is a sum of several, or none that is known")
            return
        rows = self._input
        if rows is None or not isinstance(target, Tensor) or target.requires_grad:
            return
        labels = name in CLASSES
        fits = target.dim() == 1 if labels else target.numel() == len(target)
        if not fits or len(target) != len(rows) or labels is target.is_floating_point():
            return
        kind = labels, tuple(rows.shape[1:])
        if self._kind not in (None, kind):
            return
        self._kind = kind
        self._rows.append(self._projected(rows.detach()))
        self._targets.append(target.detach().reshape(-1).clone())
        self._count += len(target)
        if self._count >= (ROWS_AT_LEAST, ROWS_AT_MOST)[self._told]:
            self._told += 1
            self._write()
            self._on = self._told < 2

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Lets go of the input."""
        self._input = None

    def finish(self) -> None:
        """Writes what is known by then."""
        if self._on and self._count >= ROWS_AT_LEAST:
            with torch.no_grad():
                self._write()

    def _stop(self, why: str) -> None:
        self._on = False
        self._rows.clear()
        self._targets.clear()
        self.watch.skip(self.name, why)

    def _projected(self, rows: Tensor) -> Tensor:
        """Returns each row on 64 directions that are drawn once, from a generator of our own."""
        flat = rows.reshape(len(rows), -1)
        step = max(flat.shape[1] // COLUMNS_AT_MOST, 1)
        chosen = flat[:, ::step][:, :COLUMNS_AT_MOST].float()
        if chosen.shape[1] <= DIRECTIONS:
            return chosen.clone()
        if self._directions is None:
            self._directions = drawn(chosen.shape[1], DIRECTIONS).to(rows.device)
        return chosen @ self._directions

    def _write(self) -> None:
        labels = self._kind[0]
        facts = compare(torch.cat(self._rows), torch.cat(self._targets), labels=labels)
        if facts is not None:
            self.watch.event("neighbours", **facts)


def drawn(height: int, width: int, generator: torch.Generator | None = None) -> Tensor:
    """Returns normal numbers from a generator of our own, whatever the script has set to be usual.

    Args:
        height: Rows of the result, which is float32 and on the CPU.
        width: Columns of it.
        generator: Draws them; a new one, the same each time, if not given.
    """
    own = torch.Generator("cpu").manual_seed(0) if generator is None else generator
    return torch.randn(height, width, generator=own, dtype=torch.float32, device="cpu")


def compare(rows: Tensor, targets: Tensor, *, labels: bool) -> dict[str, Any] | None:
    """Returns how far rows that are alike have targets that are alike; None of too few rows.

    Args:
        rows: Shape [n, d].
        targets: Shape [n], class labels or numbers.
        labels: Whether they are class labels.

    Returns:
        `rows`, the number of different ones; `agree` and `chance`: the share of the nearest rows
        that have a row's own label, and of all; `by_neighbours` and `by_line` in standard errors,
        and `at_best`, those of who knows all targets: few where most targets are alike.
    """
    rows, targets = rows.double(), targets.to(rows.device)
    rows = (rows - rows.mean(0)) / rows.std(0).clamp(min=1e-12)
    _, number = torch.unique(rows.sum(1), return_inverse=True)  # the same sample comes back
    first = torch.full((int(number.max()) + 1,), len(rows), device=rows.device)
    order = torch.arange(len(rows), device=rows.device)
    first = first.scatter_reduce(0, number, order, "amin")
    rows, targets = rows[first][:ROWS_AT_MOST], targets[first][:ROWS_AT_MOST]
    if len(rows) < ROWS_AT_LEAST or not bool(torch.isfinite(rows).all()):
        return None
    if labels:
        classes, targets = torch.unique(targets, return_inverse=True)
        if not 2 <= len(classes) <= CLASSES_AT_MOST:
            return None
        wanted = torch.nn.functional.one_hot(targets, len(classes)).double()
    else:
        wanted = targets.double()[:, None]
    wanted = wanted - wanted.mean(0)
    if not bool((wanted.abs().amax(0) > 0).any()) or not bool(torch.isfinite(wanted).all()):
        return None
    apart = torch.cdist(rows, rows)
    apart.fill_diagonal_(torch.inf)
    near = apart.topk(NEAREST, largest=False).indices
    agree = chance = None
    if labels:
        agree = float((targets[near] == targets[:, None]).double().mean())
        counts = torch.bincount(targets).double()
        chance = float((counts * (counts - 1)).sum() / (len(rows) * (len(rows) - 1)))
    return {
        "rows": len(rows),
        "agree": agree,
        "chance": chance,
        "by_neighbours": _errors((wanted * wanted[near].mean(1)).sum(1)),
        "by_line": max(_by_line(rows, wanted, at) for at in (0, 1)),
        "at_best": _errors((wanted * wanted).sum(1)),
    }


def _by_line(rows: Tensor, wanted: Tensor, at: int) -> float:
    """Returns how well a ridge regression on every other row tells the targets of the rest."""
    known, asked = rows[at::2], rows[1 - at :: 2]
    ridge = 0.1 * len(known) * torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device)
    weights = torch.linalg.solve(known.T @ known + ridge, known.T @ wanted[at::2])
    return _errors((wanted[1 - at :: 2] * (asked @ weights)).sum(1))


def _errors(products: Tensor) -> float:
    """Returns a mean in its standard errors: about 0 where targets and answers are unrelated."""
    return float(products.mean() / (products.std() / len(products) ** 0.5).clamp(min=1e-300))
