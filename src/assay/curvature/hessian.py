"""The Hessian of a loss whose graph is alive, as an operator; extreme eigenvalues by Lanczos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from ..watching.measures import norm

NODES_AT_MOST = 20_000
_FIRST_ORDER_ONLY = ("Flash", "EfficientAttention", "CudnnAttention", "FusedAttention", "CudnnRnn",
                     "MkldnnRnn", "MiopenRnn", "FusedSdp", "LinearCrossEntropy",
                     "MkldnnLinear")  # fmt: skip


def why_no_second_derivative(loss: torch.Tensor) -> str | None:
    """Says what in this graph forbids another backward pass of ours; None if nothing does."""
    if loss.grad_fn is None:
        return "the loss has no graph"
    seen, waiting = {loss.grad_fn}, [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        name = node.name()
        if isinstance(node, torch.autograd.function.BackwardCFunction):
            return f"the graph holds a function of the user's own or a compiled one ({name})"
        if any(part in name for part in _FIRST_ORDER_ONLY):
            return f"{name} has no second derivative"
        for following, _ in node.next_functions:
            if following is not None and following not in seen:
                seen.add(following)
                waiting.append(following)
        if len(seen) > NODES_AT_MOST:
            return "the graph is too large"
    return None


class Hessian:
    """Products with the Hessian of a scalar loss with respect to some parameters.

    The user's graph is kept whole and nothing is written to `.grad`. Raises RuntimeError where an
    operation has no second derivative.

    Args:
        loss: float, no dimension or one element, with its graph.
        parameters: leaves; those the loss does not depend on count as zero rows.
    """

    def __init__(self, loss: torch.Tensor, parameters: Sequence[torch.Tensor]) -> None:
        self.parameters = list(parameters)
        with torch.enable_grad():
            found: tuple[torch.Tensor | None, ...] = torch.autograd.grad(
                loss.reshape(()), self.parameters, create_graph=True, allow_unused=True
            )
        for gradient in found:
            if gradient is not None and gradient.layout is not torch.strided:
                raise RuntimeError("sparse gradients have no second derivative")
        self.gradients = [
            torch.zeros_like(p) if g is None else g.detach()
            for p, g in zip(self.parameters, found, strict=True)
        ]
        self._live = [(i, g) for i, g in enumerate(found) if g is not None and g.requires_grad]

    def product(self, vectors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Computes H v, for v given and returned as one tensor per parameter."""
        if not self._live:
            return [torch.zeros_like(p) for p in self.parameters]
        found: tuple[torch.Tensor | None, ...] = torch.autograd.grad(
            [g for _, g in self._live],
            self.parameters,
            grad_outputs=[vectors[i] for i, _ in self._live],
            retain_graph=True,
            allow_unused=True,
        )
        return [
            torch.zeros_like(p) if f is None else f.detach()
            for p, f in zip(self.parameters, found, strict=True)
        ]


class Extremes(NamedTuple):
    """The ends of a spectrum: lowest and highest Ritz value, and the vector of the highest."""

    low: float
    high: float
    vector: torch.Tensor
    products: int


def lanczos(
    product: Callable[[torch.Tensor], torch.Tensor],
    start: torch.Tensor,
    steps: int,
    tolerance: float = 0.01,
    at_least: int = 1,
) -> Extremes:
    """Computes extreme eigenvalues of a symmetric operator (Lanczos, reorthogonalised in full).

    Plain power iteration would find the largest magnitude, which may be negative. Stops early when
    the residual of the highest Ritz pair falls below `tolerance` of its value.

    Args:
        product: the operator, from and to a vector of shape [n].
        start: shape [n], not zero.
        steps: products at most.
        tolerance: residual, relative to the eigenvalue, that is small enough.
        at_least: products at least: a small residual may belong to the second highest eigenvalue.

    Source: Golub and Van Loan, Matrix Computations, chapter 10; the residual bound is Paige's.
    """
    basis = [start / norm(start)]
    diagonal: list[torch.Tensor] = []
    most = min(steps, start.numel())
    beside: list[torch.Tensor] = []
    while True:
        image = product(basis[-1])
        diagonal.append(torch.dot(basis[-1], image))
        known = torch.stack(basis)
        for _ in range(2):  # once is not enough in float32 (Kahan and Parlett: "twice is enough")
            image = image - (known @ image) @ known
        length = norm(image)
        values, vectors = _ritz(diagonal, beside)
        last = float(length)
        scale = max(abs(float(values[-1])), 1e-30)
        residual = last * abs(float(vectors[-1, -1]))
        spread = max(scale, abs(float(values[0])))
        good = residual < tolerance * scale
        small = last <= 1e-5 * spread
        if small or (good and len(diagonal) >= at_least) or len(diagonal) >= most:
            weights = vectors[:, -1].to(start.device, start.dtype)
            top = weights @ known
            return Extremes(float(values[0]), float(values[-1]), top, len(diagonal))
        beside.append(length)
        basis.append(image / length)


def _ritz(diagonal: list[torch.Tensor], beside: list[torch.Tensor]) -> Any:
    matrix = torch.diag(torch.stack(diagonal).double().cpu())
    for i, value in enumerate(torch.stack(beside).tolist() if beside else ()):
        matrix[i, i + 1] = matrix[i + 1, i] = value
    return torch.linalg.eigh(matrix)


def flat(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Joins all elements to one vector of float32 or wider."""
    wide = [t.detach().reshape(-1) for t in tensors]
    return torch.cat([t if t.dtype == torch.float64 else t.float() for t in wide])


def unflat(vector: torch.Tensor, like: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Reverses `flat`."""
    parts = vector.split([t.numel() for t in like])
    return [part.view(t.shape).to(t.dtype) for part, t in zip(parts, like, strict=True)]
