"""Probe: how steep the sharpest direction is, in the optimizer's geometry, against the rate."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any

import torch

from ...curvature.hessian import Hessian, flat, lanczos, unflat
from ...curvature.second_order import SecondOrder, room, trained
from ...watching.measures import norm

PRODUCTS_AT_MOST = 12
"""Products with the Hessian in one measurement."""

STEPS_PER_PRODUCT = 2.5
"""Each costs two to three steps."""

RESIDUAL = 0.05
"""Relative residual at which Lanczos stops: the error of the eigenvalue is about its square."""

PRODUCTS_AT_LEAST = 8
"""A good start, such as the last eigenvector, would end it before the lowest eigenvalue is seen."""

EARLY_PRODUCTS = 4
"""The same for the first measurement of SGD, at its first step: an order of magnitude is enough."""

AGAIN_AT_LEAST, AGAIN_AT_MOST = 3, 6
"""The same for one that begins with the last eigenvector: the lowest eigenvalue is not looked for
again."""

LATE = 26
"""The measurement that counts in the opening window, and the first of optimizers with a second
moment: before, it holds too few gradients (measured on digits: a sharpness of 3e7, 3e4 and 7e2 at
steps 1, 8, 26)."""

NEVER = 1 << 62


def stability_limit(optimizer: Any, group: dict[str, Any]) -> float | None:
    """Returns the largest stable rate x sharpness on a quadratic; None if not known.

    Source: Cohen et al. 2021 (SGD, heavy-ball, Nesterov momentum); Cohen et al. 2022 (Adam,
    RMSprop, with the sharpness preconditioned).
    """
    kind = type(optimizer)
    if kind in (torch.optim.Adam, torch.optim.AdamW):
        beta = float(group["betas"][0])
        return 2 * (1 + beta) / (1 - beta)
    if kind is torch.optim.RMSprop:
        return 2 * (1 + group["momentum"])
    if kind is torch.optim.SGD:
        beta = group["momentum"]
        if group["nesterov"]:
            return 2 * (1 + beta) / (1 + 2 * beta)
        return 2 * (1 + beta) / (1 - group["dampening"] if beta else 1)
    return None


def preconditioner(
    optimizer: Any, group: dict[str, Any], parameter: torch.Tensor
) -> torch.Tensor | None:
    """Returns the diagonal P by which an optimizer divides its step; None if not there yet.

    Adam: (1 - beta1^t) (sqrt(v / (1 - beta2^t)) + eps), the first factor being the bias correction
    of its momentum.
    """
    kind = type(optimizer)
    if kind is torch.optim.SGD:
        return torch.ones_like(parameter, requires_grad=False)
    state = optimizer.state.get(parameter)
    if not state:
        return None
    if kind is torch.optim.RMSprop:
        average = state["square_avg"]
        if group["centered"]:
            average = (average - state["grad_avg"] ** 2).clamp_min(0)
        return average.sqrt() + group["eps"]
    taken = float(state["step"])
    first, second = group["betas"]
    average = state["max_exp_avg_sq"] if group["amsgrad"] else state["exp_avg_sq"]
    root = (average / (1 - second**taken)).sqrt() + group["eps"]
    return root * (1 - float(first) ** taken)


def proportions(rates: list[float]) -> list[float]:
    """Divides rates by the largest; 1 where all are 0."""
    top = max(rates)
    return [rate / top if top else 1.0 for rate in rates]


class Sharpness(SecondOrder):
    """Extreme eigenvalues of the Hessian of one batch's loss, preconditioned as the optimizer does.

    Signals at place "": `sharpness` (highest; with several rates, in coordinates scaled by their
    ratio to the largest), `sharpness_min` (lowest, once per opening), `rate_times_sharpness`,
    `stability_limit`.
    Measured on the live graph of a step in training, dropout and batch statistics included, so it
    is the sharpness that the step meets.

    When: once as early as possible, once late in each opening window, once some 120 iterations
    later, and then ever more rarely.
    """

    name = "sharpness"

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._next = self._began = 0
        self._measured_at = -1
        self._refused = False
        self._recorder = watch.new_recorder()
        self._found: dict[str, float] | None = None
        self._proportions: list[float] = []
        self._vector: torch.Tensor | None = None
        self._again_took = AGAIN_AT_LEAST

    def iteration_begins(self) -> None:
        """Looks at backward passes only from when it is time until it is done."""
        if self.watch.opening_began != self._began:
            self._began = self.watch.opening_began
            self._next = self._began if self._next < NEVER else NEVER
        self._listen(self.watch.iteration >= self._next)

    def _listen(self, wanted: bool) -> None:
        (self.watch.listen if wanted else self.watch.unlisten)(
            "backward_begin", self._on_backward_begin
        )

    def _on_backward_begin(self, roots: Any, kept: bool) -> None:
        iteration = self.watch.iteration
        if iteration < self._next:
            self._listen(False)
            return
        if self.watch.in_closure:  # it evaluates the loss as often as it likes
            self._never("the optimizer takes a closure")
            return
        if iteration == self._measured_at:
            self._never("gradients of several losses are added up")
            return
        optimizer = self.only_optimizer()
        if optimizer is None:
            if self.watch.trainings:
                self.watch.skip("sharpness", "several optimizers")
                self._later()
            return
        since = iteration - self._began
        if since < LATE and type(optimizer) is not torch.optim.SGD:
            self._next = self._began + LATE
            self._listen(False)
            return
        if not self.watch.grant(STEPS_PER_PRODUCT * self._products_expected()):
            self._refused = True
            self._next = iteration + max(1, since // 32)
            return
        began, products = perf_counter(), 0
        why = self._supported(optimizer) or self.why_not(roots, trained(optimizer))
        if why is None:
            try:
                with self.watch.silence():
                    products = self._measure(roots, optimizer)
                if not products:
                    self._next = iteration + 1
                    return
            except (RuntimeError, NotImplementedError, torch.OutOfMemoryError) as error:
                why = str(error).splitlines()[0][:200]
        if why is not None:
            self._never(why)
        else:
            self._measured_at = iteration
            self.watch.listen("step_end", self._on_step_end, first=True)
        self.watch.charge(began, STEPS_PER_PRODUCT * products)

    def _on_step_end(self, optimizer: Any) -> None:
        """Writes what was measured before this step, as this step's, with the rate it was taken at.

        It is another than before where a trick changes rates for the time of a step. Where the
        groups' proportions have changed, sharpness was measured in other coordinates.
        """
        self.watch.unlisten("step_end", self._on_step_end)
        self._listen(False)
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        found, self._found = self._found, None
        if found is None:
            return
        if all(map(math.isclose, proportions(rates), self._proportions)):
            found["rate_times_sharpness"] = max(rates) * found["sharpness"]
            training = self.watch.training(optimizer)
            for name, value in found.items():
                self._recorder.put(name, "", value)
            self._recorder.close(training.index, training.step)
        since = self._measured_at - self._began
        if since < LATE:
            self._next = self._began + LATE
        else:
            # twice as far each time, so that what they come to is spread over the run
            self._next = max(self._began + self.watch.opening, self._measured_at + since)

    def _later(self) -> None:
        """Asks again after a while: other optimizers may have ended."""
        iteration = self.watch.iteration
        self._next = iteration + max(8, iteration - self._began)
        self._listen(False)

    def _never(self, why: str) -> None:
        self.watch.skip("sharpness", why)
        self._found, self._vector, self._next = None, None, NEVER

    def finish(self) -> None:
        """Says why there is no sharpness, where it never was this measurement's turn."""
        if self._refused and self._measured_at < 0:
            self.watch.skip("sharpness", "one measurement takes longer than the budget allows")

    @staticmethod
    def _supported(optimizer: Any) -> str | None:
        if stability_limit(optimizer, optimizer.param_groups[0]) is None:
            return f"no stability limit is known for {type(optimizer).__name__}"
        return None

    def _measure(self, loss: torch.Tensor, optimizer: Any) -> int:
        """Returns how many products it took; 0 if there is nothing to measure yet."""
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        self._proportions = proportions(rates)
        parameters: list[torch.Tensor] = []
        scales: list[torch.Tensor] = []
        for group, share in zip(optimizer.param_groups, self._proportions, strict=True):
            for p in group["params"]:
                diagonal = preconditioner(optimizer, group, p) if p.requires_grad else None
                if diagonal is not None:
                    parameters.append(p)
                    scales.append(share**0.5 / diagonal.sqrt())
        if not parameters:
            return 0
        elements = sum(p.numel() for p in parameters)
        products = min(self._products_wanted(), room(parameters[0].device) // (4 * elements) - 2)
        if products < 4:
            raise RuntimeError(f"{elements} weights are too many for the memory set aside")
        scale = torch.nan_to_num(flat(scales), posinf=0.0)
        hessian = Hessian(loss, parameters)

        def product(vector: torch.Tensor) -> torch.Tensor:
            return scale * flat(hessian.product(unflat(scale * vector, parameters)))

        with torch.no_grad():
            start = self._start(scale * flat(hessian.gradients))
            least = AGAIN_AT_LEAST if self._is_again else PRODUCTS_AT_LEAST
            found = lanczos(product, start, products, RESIDUAL, least)
        limits = [stability_limit(optimizer, group) or 0.0 for group in optimizer.param_groups]
        self._found = {"sharpness": found.high, "stability_limit": min(limits)}
        if self._is_again:
            self._again_took = found.products
        else:
            self._found["sharpness_min"] = found.low
        self._vector = found.vector
        return found.products

    @property
    def _is_again(self) -> bool:
        """Whether one was measured late in this opening, which the next begins with."""
        return self._vector is not None and self._measured_at >= self._began + LATE

    def _products_wanted(self) -> int:
        if self._is_again:
            return AGAIN_AT_MOST
        return EARLY_PRODUCTS if self.watch.iteration - self._began <= 0 else PRODUCTS_AT_MOST

    def _products_expected(self) -> int:
        """Returns how many one will take: as many as the last that began with an eigenvector."""
        return self._again_took if self._is_again else self._products_wanted()

    def _start(self, gradient: torch.Tensor) -> torch.Tensor:
        """Returns the last eigenvector, or the gradient, which is steep; draws no random number."""
        known = self._vector
        if known is None or known.shape != gradient.shape or not bool(torch.isfinite(known).all()):
            known = gradient
        generator = torch.Generator(gradient.device).manual_seed(0)
        noise = torch.randn(
            gradient.shape, generator=generator, device=gradient.device, dtype=gradient.dtype
        )
        length = norm(known)
        noise *= 0.3 * torch.where(length > 0, length, 1) / norm(noise)
        return torch.nan_to_num(known + noise)
