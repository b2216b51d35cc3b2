"""What each signal ought to be: plain torch in float64, from copies that the training loop made.

Nothing here knows how a probe measures. A `Step` holds what one optimizer step was made of, and
each function in `REFERENCES` computes one signal of it, by place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Values = dict[str, float]


@dataclass
class Call:
    """One call of a loss function in training."""

    name: str
    place: str
    source: Tensor
    target: Tensor
    ignored: int = -100


@dataclass
class Batch:
    """One forward pass and its loss; tensors are copies."""

    inputs: dict[str, Tensor]
    calls: list[Call]
    loss: float


@dataclass
class Step:
    """One step of one optimizer.

    `gradients` are those the optimizer was given (still scaled where it unscales itself: `scale`),
    `raw` those that backward left, before unscaling and clipping, times `factor`. Parameters of
    other optimizers and of none stand in `others`.
    """

    training: int
    index: int
    model: nn.Module
    weights: dict[str, Tensor]
    buffers: dict[str, Tensor]
    gradients: dict[str, Tensor]
    after: dict[str, Tensor]
    raw: dict[str, Tensor]
    batches: list[Batch]
    rates: list[float]
    scale: float = 1.0
    factor: float = 1.0
    stale: dict[str, Tensor] | None = None
    outside: dict[str, Tensor] = field(default_factory=dict)
    clip: float | None = None
    new_scale: float | None = None
    first_of_iteration: bool = True
    skipped: bool = False
    objective: Callable[[dict[str, Tensor]], Tensor] | None = None
    earlier: list[Step] = field(default_factory=list, repr=False)
    settings: dict[str, Any] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def last(self) -> Batch:
        """Of several batches that one step was taken for, the last is the one that is written."""
        return self.batches[-1]


REFERENCES: dict[str, Callable[[Step], Values]] = {}


def reference(*signals: str) -> Callable[[Callable[[Step], Any]], Callable[[Step], Any]]:
    """Enters a function for one signal, or for several that it returns as a tuple."""

    def enter(function: Callable[[Step], Any]) -> Callable[[Step], Any]:
        for number, signal in enumerate(signals):
            if len(signals) == 1:
                REFERENCES[signal] = function
            else:
                REFERENCES[signal] = lambda step, number=number: function(step)[number]
        return function

    return enter


def once(function: Callable[[Step], Any]) -> Callable[[Step], Any]:
    """Computes it once for each step."""

    def remembered(step: Step) -> Any:
        if function.__name__ not in step.known:
            step.known[function.__name__] = function(step)
        return step.known[function.__name__]

    return remembered


def wide(tensor: Tensor) -> Tensor:
    """All stored elements, in float64."""
    if tensor.layout is not torch.strided:
        tensor = tensor.coalesce().values()
    return tensor.detach().double().flatten()


def norm(*tensors: Tensor) -> float:
    """Scaled by the largest element, so that nothing overflows."""
    every = torch.cat([wide(t) for t in tensors])
    top = float(every.abs().max()) if every.numel() else 0.0
    return top * float((every / top).square().sum().sqrt()) if 0 < top < math.inf else top


def share(condition: Tensor) -> float:
    return int(condition.sum()) / condition.numel() if condition.numel() else 0.0


def used(step: Step) -> dict[str, Tensor]:
    """The gradients in the units of the loss; empty parameters have none to speak of."""
    return {n: wide(g) / step.scale for n, g in step.gradients.items() if wide(g).numel()}


# -- gradients, weights, updates ---------------------------------------------------------------


@reference("grad_norm")
def grad_norm(step: Step) -> Values:
    gradients = used(step)
    return {n: norm(g) for n, g in gradients.items()} | {"": norm(*gradients.values())}


@reference("grad_max")
def grad_max(step: Step) -> Values:
    return {n: float(g.abs().max()) for n, g in used(step).items()}


@reference("grad_zero_share")
def grad_zero_share(step: Step) -> Values:
    return {n: share(g == 0) for n, g in used(step).items()}


@reference("grad_nonfinite_share")
def grad_nonfinite_share(step: Step) -> Values:
    return {n: share(~torch.isfinite(g)) for n, g in used(step).items()}


@reference("weight_norm")
def weight_norm(step: Step) -> Values:
    return {n: norm(step.weights[n]) for n in used(step)}


@reference("weight_fingerprint")
def weight_fingerprint(step: Step) -> Values:
    """The elements' bits, added in Python."""
    prime = 2**31 - 1
    sums = {n: added_bits(step.weights[n]) % prime for n in used(step)}
    if not sums:
        return {}
    found = {"": float(sum(sums.values()) % prime)}
    return found if step.index else {**found, **{n: float(each) for n, each in sums.items()}}


def added_bits(tensor: Tensor) -> int:
    width = {2: 64, 4: 32, 8: 64}[tensor.element_size()]
    kind = {2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
    whole = sum(tensor.detach().contiguous().view(kind).flatten().tolist()) % 2**width
    return whole - 2**width if whole >= 2 ** (width - 1) else whole


@reference("weight_nonfinite_share")
def weight_nonfinite_share(step: Step) -> Values:
    return {n: share(~torch.isfinite(wide(step.weights[n]))) for n in used(step)}


@reference("update_norm")
def update_norm(step: Step) -> Values:
    return {n: norm(wide(step.after[n]) - wide(step.weights[n])) for n in used(step)}


@reference("weight_changed_share")
def changed_share(step: Step) -> Values:
    changed = {n: wide(step.after[n]) != wide(step.weights[n]) for n in used(step)}
    whole = torch.cat(list(changed.values()))
    return {n: share(each) for n, each in changed.items()} | {"": share(whole)}


@reference("stale_grad_norm")
def stale_grad_norm(step: Step) -> Values:
    return {} if step.stale is None else {"": norm(torch.zeros(1), *step.stale.values())}


@reference("outside_weight_norm")
def outside_weight_norm(step: Step) -> Values:
    return {"": norm(*step.outside.values())} if step.outside else {}


@reference("clip_norm", "clip_limit")
def clipping(step: Step) -> tuple[Values, Values]:
    if step.clip is None:
        return {}, {}
    gradients = [wide(g) / step.factor for g in step.raw.values()]
    return {"": norm(*gradients)}, {"": step.clip}


# -- what goes in ------------------------------------------------------------------------------


def moments(values: Tensor) -> tuple[float, float]:
    """Mean and standard deviation (of the numbers themselves: divided by n)."""
    x = wide(values)
    mean = float(x.mean())
    return mean, float((x - mean).square().mean().sqrt())


def floats(step: Step) -> dict[str, Tensor]:
    return {k: t for k, t in step.last.inputs.items() if t.is_floating_point() and t.numel()}


def finite(tensor: Tensor) -> Tensor:
    x = wide(tensor)
    return x[torch.isfinite(x)]


@reference("input_mean", "input_std")
def input_moments(step: Step) -> tuple[Values, Values]:
    if not step.first_of_iteration:
        return {}, {}
    found = {k: moments(finite(t)) for k, t in floats(step).items()}
    return {k: v[0] for k, v in found.items()}, {k: v[1] for k, v in found.items()}


@reference("input_min", "input_max", "input_fingerprint")
def input_range(step: Step) -> tuple[Values, Values, Values]:
    there = {k: finite(t) for k, t in step.last.inputs.items() if t.numel()}
    if not step.first_of_iteration:
        there = {}
    return (
        {k: float(x.min()) for k, x in there.items()},
        {k: float(x.max()) for k, x in there.items()},
        {k: float(x.sum()) for k, x in there.items()},
    )


@reference("input_rows_equal_share")
def rows_equal(step: Step) -> Values:
    there = step.last.inputs.items() if step.first_of_iteration else ()
    return {
        k: sum(torch.equal(row, t[0]) for row in t) / len(t)
        for k, t in there
        if t.dim() and len(t) > 1 and t.numel() and t.dtype is not torch.bool
    }


@reference("input_nonfinite_share", "input_nan_share")
def input_ill(step: Step) -> tuple[Values, Values]:
    there = floats(step) if step.first_of_iteration else {}
    return (
        {k: share(~torch.isfinite(t)) for k, t in there.items()},
        {k: share(torch.isnan(t) | (t == math.inf)) for k, t in there.items()},
    )


@reference("input_bin_share")
def input_bins(step: Step) -> Values:
    if step.index or not step.first_of_iteration:
        return {}  # the first batch only
    found = {}
    for place, tensor in ((k, finite(t)) for k, t in step.batches[0].inputs.items()):
        if step.batches[0].inputs[place].is_floating_point() and tensor.numel():
            low, high = float(tensor.min()), float(tensor.max())
            counts = [0] * 24
            for value in tensor.tolist():
                number = int((value - low) / (high - low) * 24) if high > low else 0
                counts[min(number, 23)] += 1
            found |= {f"{place} [{i}]": n / tensor.numel() for i, n in enumerate(counts)}
    return found


@once
def traced(step: Step) -> dict[str, tuple[str, list[tuple[Tensor, Tensor]]]]:
    """Kind, and (input, output) of each call, by the name of the leaf module; computed anew."""
    found: dict[str, tuple[str, list[tuple[Tensor, Tensor]]]] = {}
    hooks = []
    for name, module in step.model.named_modules():
        if next(module.children(), None) is None:
            calls: list[tuple[Tensor, Tensor]] = []
            found[name] = type(module).__name__, calls
            hooks.append(
                module.register_forward_hook(
                    lambda m, a, r, calls=calls: calls.append((a[0].detach(), r.detach()))
                )
            )
    state = step.weights | {k: b.clone() for k, b in step.buffers.items()}
    with torch.no_grad():
        for batch in step.batches:
            torch.func.functional_call(step.model, state, tuple(batch.inputs.values()))
    for hook in hooks:
        hook.remove()
    return found


@reference("layer_input_mean", "layer_input_std")
def layer_inputs(step: Step) -> tuple[Values, Values]:
    """What enters the first layer; a lookup of words has no such number."""
    found = {}
    for name, (kind, calls) in traced(step).items() if step.first_of_iteration else ():
        data = calls[-1][0]
        given = any(same(data, x) for x in floats(step).values())
        if kind == "Linear" and given and data.numel() >= 32:
            found[name] = moments(data)
    return {k: v[0] for k, v in found.items()}, {k: v[1] for k, v in found.items()}


def same(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, equal_nan=True)


# -- what flows out of modules -----------------------------------------------------------------


def outputs(step: Step) -> dict[str, Tensor]:
    """Of each leaf module, and of the function that stands before `third`; the last call counts."""
    if not step.first_of_iteration:
        return {}
    found = {name: calls[-1][1] for name, (_, calls) in traced(step).items() if calls}
    place = getattr(step.model, "sigmoid", None)
    if place is not None:
        found[place] = traced(step)["third"][1][-1][0]
    place = getattr(step.model, "relu", None)
    if place is not None:
        found[place] = traced(step)["second"][1][0][0] / 2
    return {k: t for k, t in found.items() if t.numel() > 1}


@reference("activation_std")
def activation_spread(step: Step) -> Values:
    return {k: moments(t)[1] for k, t in outputs(step).items()}


@reference("activation_zero_share")
def activation_zeros(step: Step) -> Values:
    return {k: share(t == 0) for k, t in outputs(step).items()}


@reference("activation_nonfinite_share")
def activation_ill(step: Step) -> Values:
    return {k: share(~torch.isfinite(t)) for k, t in outputs(step).items()}


@reference("activation_saturated_share")
def saturated(step: Step) -> Values:
    """Of the sigmoid before `third`; the mean over all batches of the step."""
    place = getattr(step.model, "sigmoid", None)
    if place is None or not step.first_of_iteration:
        return {}
    given = [wide(x) for x, _ in traced(step)["third"][1]]
    shares = [share((x < 0.01) | (x > 0.99)) for x in given]
    return {place: sum(shares) / len(shares)}


@reference("dead_unit_share")
def dead_units(step: Step) -> Values:
    """Columns of the ReLU's output without a positive number in this step and the 15 before."""
    steps = [*step.earlier, step][-16:]
    relus = [name for name, (kind, _) in traced(step).items() if kind == "ReLU"]
    if len(steps) < 16 or not relus or not step.first_of_iteration:
        return {}
    found = {}
    for name in relus:
        every = torch.cat([out for s in steps for _, out in traced(s)[name][1]])
        found[name] = share(~(every > 0).any(0))
    return found


# -- losses ------------------------------------------------------------------------------------


def last_calls(step: Step, *names: str) -> list[Call]:
    calls = {c.place: c for batch in step.batches for c in batch.calls}
    return [c for c in calls.values() if not names or c.name in names] * step.first_of_iteration


CLASSES = ("cross_entropy", "nll_loss", "multi_margin_loss")


@reference("loss_call_value")
def loss_call_value(step: Step) -> Values:
    found = {}
    for call in last_calls(step):
        found[call.place] = in_float64(call)
    return found


def in_float64(call: Call) -> float:
    """The loss function itself, in float64."""
    source, target = call.source.double(), call.target
    target = target.double() if target.is_floating_point() else target
    options = {"ignore_index": call.ignored} if call.name in CLASSES[:2] else {}
    return float(getattr(F, call.name)(source, target, **options))


OF_CLASSES = ("cross_entropy", "nll_loss")


def sums_to_one(numbers: Tensor) -> float:
    """Sum of 2^d of the dimensions over which all sums are 1; 0 if a number is negative."""
    if not bool((numbers >= 0).all()):
        return 0.0
    sums = [numbers.sum(d) for d in range(numbers.dim())]
    return float(sum(2**d for d, s in enumerate(sums) if float((s - 1).abs().max()) < 1e-3))


@reference("probability_dims")
def probability_dims(step: Step) -> Values:
    return {c.place: sums_to_one(c.source.double()) for c in last_calls(step, *OF_CLASSES)}


@reference("log_probability_dims")
def log_probability_dims(step: Step) -> Values:
    return {c.place: sums_to_one(c.source.double().exp()) for c in last_calls(step, *OF_CLASSES)}


@reference("loss_input_min", "loss_input_max")
def loss_input_range(step: Step) -> tuple[Values, Values]:
    found = {c.place: c.source.double() for c in last_calls(step, *OF_CLASSES)}
    return (
        {k: float(x.min()) for k, x in found.items()},
        {k: float(x.max()) for k, x in found.items()},
    )


@reference("loss_accuracy")
def loss_accuracy(step: Step) -> Values:
    found = {}
    for call in last_calls(step):
        right, counted = answers(call)
        if call.name in (*CLASSES, "binary_cross_entropy_with_logits"):
            found[call.place] = right / counted if counted else math.nan
    return found


def answers(call: Call) -> tuple[int, int]:
    """How many are right, of how many that count."""
    if call.target.is_floating_point():
        pairs = zip(wide(call.source).tolist(), wide(call.target).tolist(), strict=False)
        return sum((x > 0) == (y > 0.5) for x, y in pairs), call.target.numel()
    rows = call.source.double().movedim(1, -1).flatten(0, -2).tolist()
    labels = call.target.flatten().tolist()
    counted = [(r, y) for r, y in zip(rows, labels, strict=True) if y != call.ignored]
    return sum(r.index(max(r)) == y for r, y in counted), len(counted)


@reference("target_counted")
def counted(step: Step) -> Values:
    calls = last_calls(step, *CLASSES)
    return {c.place: sum(y != c.ignored for y in c.target.flatten().tolist()) for c in calls}


@reference("target_counted_share")
def counted_share(step: Step) -> Values:
    return {c.place: share(c.target != c.ignored) for c in last_calls(step, *CLASSES)}


def labels_of(call: Call) -> list[int]:
    return [y for y in call.target.flatten().tolist() if y != call.ignored]


@reference("label_entropy")
def label_entropy(step: Step) -> Values:
    found = {}
    for call in last_calls(step, *CLASSES):
        if call.source.dim() == 2:
            labels = labels_of(call)
            shares = [labels.count(c) / len(labels) for c in set(labels)] if labels else [math.nan]
            found[call.place] = -sum(p * math.log(p) for p in shares)
    return found


@reference("label_count")
def label_count(step: Step) -> Values:
    found: Values = {}
    for call in last_calls(step, *CLASSES):
        if call.source.dim() == 2:
            labels = labels_of(call)
            found |= {str(c): float(labels.count(c)) for c in range(call.source.shape[1])}
    return found


def numbers(step: Step) -> list[Call]:
    return [c for c in last_calls(step) if c.target.is_floating_point()]


@reference("target_mean", "target_std")
def target_moments(step: Step) -> tuple[Values, Values]:
    found = {c.place: moments(c.target) for c in numbers(step)}
    return {k: v[0] for k, v in found.items()}, {k: v[1] for k, v in found.items()}


@reference("target_min", "target_max")
def target_range(step: Step) -> tuple[Values, Values]:
    found = {c.place: wide(c.target) for c in numbers(step)}
    return (
        {k: float(x.min()) for k, x in found.items()},
        {k: float(x.max()) for k, x in found.items()},
    )


# -- what a trial measures at each step --------------------------------------------------------


@reference("loss_alike")
def loss_alike(step: Step) -> Values:
    """Of losses that know no weights and no smoothing, the loss itself."""
    known = ("cross_entropy", "nll_loss", "binary_cross_entropy_with_logits", "mse_loss", "l1_loss")
    calls = [c for batch in step.batches for c in batch.calls if c.name in known]
    if not calls or not step.first_of_iteration:
        return {}
    return {"": sum(proper(c) for c in calls) / len(calls)}


def proper(call: Call) -> float:
    """The loss with softmax undone where it was applied before, and shapes made equal."""
    x, y = call.source.double(), call.target
    if call.name in CLASSES:
        on = bool((x >= 0).all()) and float((x.sum(1) - 1).abs().max()) < 1e-3
        rows = (x.log() if on else x).log_softmax(1).movedim(1, -1).flatten(0, -2)
        pairs = zip(rows.tolist(), y.flatten().tolist(), strict=True)
        picked = [-row[label] for row, label in pairs if label != call.ignored]
        return sum(picked) / len(picked) if picked else math.nan
    return float(getattr(F, call.name)(x.flatten(), y.double().flatten()))


@reference("training_error")
def training_error(step: Step) -> Values:
    calls = [c for batch in step.batches for c in batch.calls]
    calls = [c for c in calls if c.name in (*CLASSES, "binary_cross_entropy_with_logits")]
    if not calls or not step.first_of_iteration:
        return {}
    shares = [(counted - right) / counted if counted else math.nan
              for right, counted in map(answers, calls)]  # fmt: skip
    return {"": sum(shares) / len(shares)}


# -- the model and the loop --------------------------------------------------------------------


def mode_matters(module: nn.Module) -> bool:
    return isinstance(module, (nn.Dropout, nn.BatchNorm1d))


@reference("eval_share")
def modes(step: Step) -> Values:
    if not step.first_of_iteration:
        return {}
    root = type(step.model).__name__
    modal = [m for m in step.model.modules() if mode_matters(m)]
    stuck = [m for m in modal if not m.training]
    return {root: len(stuck) / len(modal)} if modal else {}


@reference("loss_scale")
def loss_scale(step: Step) -> Values:
    return {} if step.new_scale is None else {"": step.new_scale}


@reference("loss")
def loss(step: Step) -> Values:
    return {"": sum(batch.loss for batch in step.batches)}


@reference("learning_rate")
def learning_rate(step: Step) -> Values:
    return {f"group {i}": rate for i, rate in enumerate(step.rates)}


@reference("row_twin_share", "column_twin_share")
def twins(step: Step) -> tuple[Values, Values]:
    """Neighbours that are equal, in weights and in gradients, where the first two once were."""
    rows, columns = Values(), Values()
    first = step.earlier[0] if step.earlier else step
    largest = max((float(g.abs().max()) for g in used(step).values()), default=0.0)
    for name in used(step):
        weight = step.weights[name]
        if weight.dim() != 2 or step.gradients[name].layout is not torch.strided:
            continue
        for found, dim in ((rows, 0), (columns, 1)):
            before = first.weights[name].movedim(dim, 0)
            if len(before) > 1 and torch.equal(before[0], before[1]):
                both = [
                    neighbours(weight.double().movedim(dim, 0), 0.0),
                    neighbours(step.gradients[name].double().movedim(dim, 0), 1e-6 * largest),
                ]
                found[name] = min(both)
    return rows, columns


def neighbours(rows: Tensor, noise: float) -> float:
    near = float(rows.abs().max()) * 1e-5 + noise
    equal = [float((a - b).abs().max()) <= near for a, b in pairwise(rows)]
    return sum(equal) / len(equal)


# -- what a step was worth ---------------------------------------------------------------------


@reference("predicted_change")
def predicted_change(step: Step) -> Values:
    """g.T d: the gradient of the loss, before clipping, and the way that the weights went."""
    total = 0.0
    for name, g in step.raw.items():
        move = wide(step.after[name]) - wide(step.weights[name])
        total += float(torch.dot(g.detach().double().flatten() / step.factor, move))
    return {"": total}


@once
def loss_change(step: Step) -> float:
    assert step.objective is not None
    before, after = step.objective(step.weights), step.objective(step.weights | step.after)
    return float(after - before)


@reference("actual_change")
def actual_change(step: Step) -> Values:
    return {"": loss_change(step)}


@reference("step_quality")
def step_quality(step: Step) -> Values:
    """nan where the gradient expects the loss to rise, or holds more than this step's."""
    predicted = predicted_change(step)[""]
    stale = any(bool(g.any()) for g in (step.stale or {}).values())
    return {"": loss_change(step) / predicted if predicted < 0 and not stale else math.nan}


@once
def curvatures(step: Step) -> Tensor:
    """Eigenvalues of the Hessian of this batch's loss, ascending; all weights in one row."""
    assert step.objective is not None
    names = list(step.raw)
    flat = torch.cat([wide(step.weights[n]) for n in names])

    def objective(vector: Tensor) -> Tensor:
        assert step.objective is not None
        parts = vector.split([step.weights[n].numel() for n in names])
        given = {n: p.view(step.weights[n].shape) for n, p in zip(names, parts, strict=True)}
        return step.objective({**step.weights, **given})

    return torch.linalg.eigvalsh(torch.autograd.functional.hessian(objective, flat))


@reference("sharpness", "sharpness_min")
def sharpness(step: Step) -> tuple[Values, Values]:
    values = curvatures(step)
    return {"": float(values[-1])}, {"": float(values[0])}


@reference("rate_times_sharpness")
def rate_times_sharpness(step: Step) -> Values:
    return {"": step.rates[0] * float(curvatures(step)[-1])}


@reference("stability_limit")
def stability_limit(step: Step) -> Values:
    """Of gradient descent with a heavy ball: Cohen et al. 2021."""
    return {"": 2 * (1 + step.settings.get("momentum", 0.0))}


SECONDS = "a time differs from run to run; test_pace.py and a test below hold its bounds"
WITHOUT: dict[str, str] = {
    "grad_fingerprint": "the variants train in one process; test_ranks.py",
    "reduced_passes": "the variants train in one process; test_ranks.py",
    "grad_sum": "the variants train in one process; test_ranks.py",
    "local_grad_sum": "the variants train in one process; test_ranks.py",
    "random_state": "the variants train in one process; test_ranks.py",
    "random_state_after": "the variants train in one process; test_ranks.py",
    "stale_in_closure": "the variants call a closure once a step; test_closures.py",
    "derivative_constant": "the variants take no derivative; test_derivatives.py",
    "rows_rearranged": "the variants answer for no places; test_arrangement.py",
    "ungraded_weight_norm": "every parameter of the variants has a gradient; test_cuts.py",
    "sample_order_change": "the variants have inputs of features alone; test_sample_order.py",
    "later_token_change": "the variants predict no next token; test_questions.py",
    "linear_share": "read off the operations; test_questions.py",
    "dropout_share": "the variants drop 0.1 at most; test_questions.py",
    "dropout_gap": "test_questions.py",
    "unscaled_scores": "the variants have no attention by hand; test_questions.py",
    "attention_summed_otherwise": "the variants have no attention by hand; test_normalised.py",
    "attention_top_weight": "the variants have no attention by hand; test_questions.py",
    "attention_weight_range": "the variants have no attention by hand; test_questions.py",
    "lossy_casts": "the variants lose nothing; test_casts.py",
    "residual_factor": "the variants have no residual blocks; test_questions.py",
    "padding_change": "the variants have no padding; test_questions.py",
    "order_change": "the variants have no positions; test_questions.py",
    "input_used": "0 or 1; test_questions.py",
    "answer_spread": "test_questions.py",
    "data_wait_s": SECONDS,
    "forward_s": SECONDS,
    "backward_s": SECONDS,
    "step_s": SECONDS,
    "elsewhere_s": SECONDS,
    "time_s": SECONDS,
    "memory_peak": "bytes of the whole process",
    "memory_allocated": "of an accelerator",
    **dict.fromkeys(
        (
            "loss_sign",
            "loss_terms",
            "target_unreachable_share",
            "target_is_input",
            "target_is_after_next",
            "lookahead",
            "padded_target_share",
            "padded_target_value",
            "prediction_top_share",
            "prediction_top_label",
            "target_ones_share",
        ),
        "held by hand in tests/probes/test_loss_terms.py",
    ),
    "backward_passes": "a fact about the order of calls: tests/probes/test_run_facts.py",
    **dict.fromkeys(
        ("raw_grad_norm", "scaled_passes", "loss_scaled_by", "mean_loss_passes"),
        "a fact about the order of calls: tests/probes/test_passes.py",
    ),
    **dict.fromkeys(
        (
            "judge_asks",
            "judge_target",
            "judge_weight_norm",
            "judge_weight_max",
            "judged_min",
            "judged_max",
            "judged_spread",
            "generated_distance",
        ),
        "no network of the variants judges another one: tests/probes/test_players.py",
    ),
    "passes_wasted": "a fact about the order of calls: tests/probes/test_wasted.py",
    "gradient_discarded": "a fact about the order of calls: tests/probes/test_run_facts.py",
    **dict.fromkeys(
        (
            "target_probability_dims",
            "pair_target_other",
            "pair_target_negative",
            "ctc_impossible",
            "boxes_reversed",
        ),
        "of losses that no variant calls: test_domains.py",
    ),
    **dict.fromkeys(
        ("frozen_share", "thawed_in_vain", "frozen_in_vain"),
        "counts of requires_grad: test_freezing.py",
    ),
    **dict.fromkeys(
        ("half_lost_share", "softmax_undefined_share", "grad_underflow_share"),
        "of float16, which no variant has: test_half_masks.py, test_half_gradients.py",
    ),
    **{
        f"evaluation_{n}": "test_an_evaluation_is_the_mean_over_its_samples holds them to it"
        for n in ("loss", "accuracy")
    },
    **{
        f"average_{n}": "of evaluations: test_averages.py"
        for n in ("progress", "aside", "statistics")
    },
    **dict.fromkeys(
        (
            "loss_in_training_mode",
            "loss_in_evaluation_mode",
            *(f"norm_{n}" for n in ("rows", "values", "updates", "offset", "spread_ratio")),
        ),
        "held to plain torch in test_mode_gap.py",
    ),
    "input_padded_share": "of sequences, by their ends: test_contents.py",
    "weights_kept": "a fact about the order of calls: test_kept_weights.py",
    **{
        f"eval_{n}": "facts about the order of calls: test_evaluation_modes.py"
        for n in ("training_share", "same_input", "graphs", "graphs_kept")
    },
    **{
        f"eval_input_{n}": "of evaluations: test_run_facts.py"
        for n in ("mean", "std", "min", "max")
    },
}
"""Signals that plain torch can't compute, each with the reason."""
