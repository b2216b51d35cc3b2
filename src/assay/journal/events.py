"""Every kind of event that is recorded, each with the type of its data."""

from __future__ import annotations

from typing import Any, TypedDict

from .schema import Declared, EventKind

SiteRow = list[Any]
"""A line of the user's as the journal holds it: file, line, function."""


class Described(TypedDict):
    """Shape and dtype of a tensor."""

    shape: list[int]
    dtype: str


class Replicated(TypedDict):
    """A wrapper of class `cls` keeps its model alike on `world` ranks.

    `hook` is a function that reduces gradients in its place, if one was registered; `built` the
    line that built it; `joined` whether it runs inside `join()`, where ranks may end early.
    """

    cls: str
    world: int
    hook: str | None
    built: SiteRow | None
    joined: bool


class Resharded(TypedDict):
    """`count` of the optimizer's `of` parameters were replaced by shards after it was built.

    None of the optimizer's had a gradient when it stepped. `by` is the line that sharded.
    """

    count: int
    of: int
    by: SiteRow | None


class ClippedShard(TypedDict):
    """`count` of the `of` parameters whose norm was clipped to `limit` were parts of larger ones.

    `norm` is that of this rank's parts, on the CPU.
    """

    count: int
    of: int
    limit: float
    norm: float | None


class Saved(TypedDict):
    """The file's whole `path`."""

    path: str


class Bypassed(TypedDict):
    """The model inside a DistributedDataParallel, of class `cls`, was called in its place."""

    cls: str


class Unreduced(TypedDict):
    """`names` (at most 200) of `count` parameters, `of` so many that a wrapper waits for.

    The wrapper of a model of class `cls` was `built` on this line.
    """

    names: list[str]
    count: int
    of: int
    cls: str
    built: SiteRow | None


class Joined(TypedDict):
    """The process trains in a group of `world` processes, by a `backend` such as `gloo`."""

    world: int
    backend: str


class Standing(TypedDict):
    """Process `pid`, of a `rank` in `world`, had taken no step for `still_s` seconds.

    `stack` are the script's lines, the innermost first; that one had called `call`, of a kind:
    `collective`, `backward` or "". `fixed`: the stack was the same at each look, and the process
    not at work (on an accelerator a process that waits looks as if it were).
    """

    pid: int
    rank: int
    world: int
    still_s: float
    stack: list[SiteRow]
    call: str
    kind: str
    fixed: bool


class Nothing(TypedDict):
    """Nothing but the step and the line."""


class ModelFound(TypedDict):
    """`root` is the model's name among places, `cls` its class."""

    root: str | None
    cls: str


class Stalled(TypedDict):
    """So many backward `passes` since the last step, or the start.

    `training` says whether a model is in training mode, `finite` whether the loss is, where known.
    """

    passes: int
    training: bool | None
    finite: bool | None


class WithoutGradient(TypedDict):
    """`names` (at most 200) of `count` parameters, `of` so many trainable ones."""

    names: list[str]
    count: int
    of: int


class GraphCut(TypedDict):
    """`names` (at most 200) of `count` parameters without gradient, cut off at a line (`by`).

    `how` is the name of the method, `no_grad` or `checkpoint`; None if no cut was seen. Their
    modules had been called in `traces` iterations.
    """

    how: str | None
    by: SiteRow | None
    names: list[str]
    count: int
    traces: int


class OutsideOptimizer(TypedDict):
    """`names` (at most 200) of `count` parameters with `elements` numbers in all.

    `thawed`: how many of them had been frozen before.
    """

    names: list[str]
    count: int
    elements: int
    thawed: int


class LooseParameters(TypedDict):
    """`names` (at most 200) of `count` parameters in layers that a line (`by`) built, if known."""

    names: list[str]
    count: int
    elements: int
    by: SiteRow | None


class Cleared(TypedDict):
    """The line that cleared the gradients; None if it did so by hand."""

    by: SiteRow | None


class RowsMoved(TypedDict):
    """Rows of a loss are `mixed` from several places, or stand `elsewhere`, by a `line`."""

    how: str
    line: SiteRow | None


class Derivative(TypedDict):
    """A derivative of a model by its input, taken at the line `at`, with or without a `graph`.

    `added` is the line that adds it, as a constant, to what the loss is computed from, if one does.
    """

    place: str
    at: SiteRow | None
    graph: bool
    added: SiteRow | None


class Input(TypedDict):
    """`place` is that of the signals of inputs, `shape` that of the first batch of its kind."""

    place: str
    shape: list[int]
    dtype: str


class PartFacts(TypedDict):
    """How many features, or channels, there are along dimension `dim`, and how many never changed.

    `which` are the first of those, with their `values`; `two_valued` ones took two values.
    """

    dim: int
    size: int
    constant: int
    which: list[int]
    values: list[float]
    two_valued: int


class InputContents(TypedDict):
    """What the input at a `place` held, over so many `batches` with `rows` in all.

    `shape` is that of one sample, where it never `varies`. `unchanged`: all rows were equal to the
    first one; `binary`: all numbers were 0 or 1. `cut_from` is the number of rows of a larger
    tensor that each batch was cut from anew, at one place, or 0. `parts` are features of tables and
    channels of pictures, `line` made the data, where known.
    """

    place: str
    batches: int
    rows: int
    shape: list[int]
    varies: bool
    unchanged: bool
    binary: bool
    cut_from: int
    parts: list[PartFacts]
    line: SiteRow | None


class EvalContents(TypedDict):
    """How `rows` that evaluations gave a model at a `place` differ from `training_rows`.

    `outside_share` of them have a mean or a deviation that lies outside of those of all training
    rows. Mean and deviation are of all numbers together, `part_means` those of the first 16
    features or channels, `low` and `high` the range; `eval_`: of evaluations. `line` is where the
    two were made in different ways, if that is known.
    """

    place: str
    rows: int
    training_rows: int
    outside_share: float | None
    mean: float | None
    std: float | None
    part_means: list[float]
    eval_mean: float | None
    eval_std: float | None
    eval_part_means: list[float]
    low: float
    high: float
    eval_low: float
    eval_high: float
    line: SiteRow | None


class EvalTokens(TypedDict):
    """How the ids in `rows` of evaluations differ from those in `training_rows`, at a `place`.

    Padding (a run of one id at an end of a row) does not count among the `tokens` of evaluations; a
    loss function scored the share `scored` of their batches. Distances are shares of tokens that
    would have to be other ones: `apart` between training and evaluations, `halves_apart` between
    two halves of training, `neighbours_apart` between training and itself with each id larger by
    one, `ranks_apart` between the shares sorted by size, whatever their ids, and `shifted_apart`
    with all ids of training larger by `shift`, which fits best. `common` ids each are 0.5 % of
    training or more; a share `met` of the evaluated tokens occurred in training; `beyond`: some ids
    are not below 65,536. Of id `more` evaluations have the most in excess: `more_eval_share` for
    `more_share`. `pad` filled up most rows of training, a share of `padded`, and `pad_in_eval` of
    evaluated rows; `eval_pad` the same of evaluations. `line` is where the two were made in
    different ways.
    """

    place: str
    rows: int
    training_rows: int
    tokens: int
    scored: float
    beyond: bool
    common: int
    met: float
    apart: float
    halves_apart: float
    neighbours_apart: float
    ranks_apart: float
    shift: int
    shifted_apart: float
    more: int
    more_share: float
    more_eval_share: float
    pad: int | None
    padded: float
    eval_pad: int | None
    eval_padded: float
    pad_in_eval: float
    eval_pad_in_training: float
    line: SiteRow | None


class OverlapFound(TypedDict):
    """How many rows of an evaluation, at one of its lines, had been trained on before.

    Of so many `batches` (number `asked` of a line) with `rows` in all, `seen` had; in `whole`
    batches they were as many as training itself would meet again, in `mixed` ones some; `early` and
    `late` are their mean shares in the first and in the second half of the batches. `named` is
    a name among those of the evaluated data that says held out, `line` made the data, where known.
    About `near` of those seen are no equal rows, but far nearer to one than that is to others.
    """

    place: str
    asked: int
    named: str | None
    batches: int
    mixed: int
    whole: int
    early: float
    late: float
    rows: int
    seen: int
    near: int
    line: SiteRow | None


class DataChanged(TypedDict):
    """The array of this `name` in a `dataset` of this class, in pass number `passed` over it.

    `before` and `after`: the mean size of the numbers in the rows that were read.
    """

    dataset: str
    name: str
    passed: int
    before: float
    after: float


class NeighboursFound(TypedDict):
    """Whether `rows` of an input that are alike have targets that are alike.

    `agree` of the five nearest rows have a row's own label, and `chance` of all rows (None for
    targets that are numbers). `by_neighbours` and `by_line` say by how many standard errors the
    nearest rows, and a linear model of the other half, tell a row's target better than chance;
    `at_best`, by how many one would that knows all targets.
    """

    rows: int
    agree: float | None
    chance: float | None
    by_neighbours: float
    by_line: float
    at_best: float


class EvalLabels(TypedDict):
    """How often each class occurred among the labels of evaluations so far."""

    counts: list[int]


class EvalRenumbered(TypedDict):
    """What the model called `answers` were other `labels`, one by one, in a `share` of the cases.

    There were `samples` such answers, `of` so many in the evaluation, whose first loss of classes
    was computed by `line`.
    """

    answers: list[int]
    labels: list[int]
    share: float
    samples: int
    of: int
    line: SiteRow | None


class _Loader(TypedDict):
    sampler: str
    dataset: str
    size: int | None
    batch_size: int | None
    workers: int
    drop_last: bool
    grad: bool
    built: SiteRow | None


class Loader(_Loader, total=False):
    """Classes of sampler and dataset, settings, whether gradients are on, and where it was built.

    `number` tells kinds of loaders apart. Of the sampler: `replacement`, `shuffle`, `num_samples`,
    and the length of its `weights`. `worker_init_fn` and `generator` say whether there is one. Of a
    dataset that is read in its own order and shows its labels: `labels_equal_next`, the share of
    samples whose successor has the same label, and `labels_equal_by_chance`.
    """

    number: int
    batch_sampler: str
    replacement: bool | None
    shuffle: bool | None
    weights: int | None
    num_samples: int | None
    persistent_workers: bool
    worker_init_fn: bool
    generator: bool
    labels_equal_next: float
    labels_equal_by_chance: float
    label_classes: int


class Epoch(TypedDict):
    """What the loader of a `number` (`loader`) drew in one pass over its data set of `size`.

    `draws` indices, of which `distinct` differ (`distinct_ever`: in all passes so far) and one was
    drawn `most` often; None where they were too many, or too late in the run, to be counted.
    `order` is a number for the indices of the first 8 batches, equal for equal ones; `whole` says
    whether the sampler came to its end.
    """

    loader: int
    epoch: int
    size: int | None
    draws: int
    distinct: int | None
    distinct_ever: int | None
    most: int | None
    order: int
    whole: bool


class EvalInput(TypedDict):
    """As `input`, of a forward pass in an evaluation."""

    place: str
    shape: list[int]
    dtype: str


class Scaler(TypedDict):
    """Counts so far: losses `scaled`, `unscaled` by the script, `steps` through `scalers` of them.

    `late` steps: the scaler had been updated since a loss was last scaled.
    On sampled iterations: `looked_at` steps that followed a scaled loss, and `past` the scaler,
    those on gradients that were all scaled and that nobody had unscaled.
    """

    scalers: int
    scaled: int
    unscaled: int
    steps: int
    updates: int
    late: int
    looked_at: int
    past: int


class Clipping(TypedDict):
    """`of` is `norm` or `value`; the others are counts for the event's line.

    `calls` that were looked at: of gradients that a step had `used` already, `empty` ones without
    any gradient, and those whose norm was `larger` than the limit (known on the CPU only).
    """

    of: str
    limit: float
    calls: int
    used: int
    empty: int
    larger: int


class LossCall(TypedDict):
    """Function and `place` of a loss, what it was given and gave back, and how it is set.

    `requires_grad` is that of the input, `in_graph` that of the result; `producer` names the
    operation that made the input.
    """

    fn: str
    place: str
    input: Described
    target: Described | None
    output: list[int]
    requires_grad: bool
    reduction: str
    label_smoothing: float
    ignore_index: int | None
    weighted: bool
    producer: str | None
    in_graph: bool


class RateChanged(TypedDict):
    """The highest rate of the step before and of this one, and who changed it.

    `by` is `scheduler`, `load_state` or `script`; `line` built that scheduler, loaded that state,
    or is the one line of the script that can have assigned the rate.
    """

    before: float
    after: float
    by: str
    line: SiteRow | None


class LossGiven(TypedDict):
    """How an `argument` of the loss or distribution `fn` was `made_by`, and its shape.

    `made_by` is `softmax`, `log_softmax`, `sigmoid`, `log_sigmoid`, `linear` (a layer of weights),
    `cosine` (of normalised rows with normalised weights), torch's name of another operation, or ""
    where there is no graph. Of a softmax: `over` which dimension of what it was given, and its
    `size`. `line` is that of the operation and `module` its module, where they were seen.
    `setting` is `log_target`, `log_input` or `zero_infinity`, where the loss has one.
    """

    fn: str
    place: str
    argument: str
    made_by: str
    over: int | None
    size: int | None
    shape: list[int]
    setting: bool | None
    line: SiteRow | None
    module: str | None


class PairsCompared(TypedDict):
    """The `operation` (`Sub`, `Mul`, ...) between shapes `one` and `other`, and its line."""

    operation: str
    one: list[int]
    other: list[int]
    line: SiteRow | None


class Average(TypedDict):
    """The class of the model, and the `line` that built it, or else that called it."""

    of: str
    line: SiteRow | None


class Overlap(TypedDict):
    """Where an overlap of boxes or intervals is computed: the `place` of its signal, and line."""

    place: str
    line: SiteRow


class PassWasted(TypedDict):
    """The line that cleared the gradients of a pass; None if it did so by hand."""

    by: SiteRow | None


class NetCall(TypedDict):
    """A network `net` was called by a `line`, and a loss goes through its answer.

    It was given what the networks `over` made, with their graph, or what those of `fed` made,
    without it; `mixed` with other rows. `wants`: its weights want a gradient. `way`: what lies
    between the loss and its answers, operations that are all `linear`, a `square` or `other` ones;
    None where it is not the nearest network. `ends_in`: the operation that made its largest result.
    `batch_norm`: it has a batch norm in training mode.
    """

    net: str
    line: SiteRow | None
    over: list[str]
    fed: list[str]
    mixed: bool
    wants: bool
    batch_norm: bool
    way: str | None
    ends_in: str | None


class LossPass(TypedDict):
    """One backward pass, by its `line`, and the calls that its loss goes through.

    `filled` are the networks of these whose weights had a gradient before it.
    """

    line: SiteRow | None
    calls: list[NetCall]
    filled: list[str]


class GradientPenalty(TypedDict):
    """A slope of this `shape` at an input, by its `line`, is part of a loss.

    `over` are the dimensions that a norm was taken over; None if no norm is taken of it directly.
    """

    shape: list[int]
    over: list[int] | None
    line: SiteRow | None


class NetStep(TypedDict):
    """A step of `training`: networks whose weights its optimizer `held`.

    Those that it `moved` had a gradient.
    """

    training: int
    held: list[str]
    moved: list[str]


class Turn(TypedDict):
    """The backward `passes` of an iteration, and its `steps`."""

    passes: list[LossPass]
    steps: list[NetStep]


class NotRestored(TypedDict):
    """A module of class `owner` got its weights from a file by this `line`.

    The file has moments for so many parameters of an optimizer with the same settings.
    """

    owner: str
    moments: int
    line: SiteRow | None


class VainThaw(TypedDict):
    """`attribute` was set to True on a frozen module or parameter, the `place` of its signal."""

    place: str
    attribute: str
    line: SiteRow | None


class VainFreeze(TypedDict):
    """`requires_grad = False` was set on a module that is trained, the `place` of its signal."""

    place: str
    line: SiteRow | None


class HalfMask(TypedDict):
    """A constant was written into float16: the `place` of its signal, and the user's line."""

    place: str
    line: SiteRow | None


class LossWithoutGraph(TypedDict):
    """Whether the leaf that backward() was called on requires a gradient."""

    requires_grad: bool


class BackwardFailed(TypedDict):
    """What autograd said."""

    error: str


class Overwritten(TypedDict):
    """The weight that a step of the event's training changed between forward and backward."""

    parameter: str


class _NonfiniteOrigin(TypedDict):
    kind: str
    place: str
    share: float
    module: str | None


class NonfiniteOrigin(_NonfiniteOrigin, total=False):
    """`kind` is `input`, `parameter` or `operation`, `place` names it, `share` is not finite.

    `module` owns a parameter of the same operation; `line` computed what is named, where known.
    """

    line: SiteRow | None


class _NonfiniteTraced(TypedDict):
    at: int
    what: str
    owner: str | None
    op: str
    phase: str
    node: str | None
    line: SiteRow | None
    module: str | None
    given: str | None
    kind: list[str]
    dtype: str | None
    shape: list[int]
    share: float
    operands: list[dict[str, Any]]
    row: dict[str, Any] | None
    rows: list[int]
    bad_rows: int
    batch: int | None
    forward: dict[str, Any] | None
    meant: bool
    then: list[Any] | None


class NonfiniteTraced(_NonfiniteTraced, total=False):
    """Which operation made the first value of a traced step that is not finite.

    `what` was not finite at step `at`: a `loss`, a `gradient` or a `weight` (`owner`). `op` made
    it in a `phase` (`forward`, `backward`, `optimizer`), inside `module`, at `line`; in a backward
    pass `node` is its name in torch's graph and `forward` the operation that it belongs to, with
    its operands. `op` is "" where it was `given`: a parameter, a buffer or `data`. `kind` has the
    kinds of values (`nan`, `inf`, `-inf`), `share` their share of a result of this `dtype` and
    `shape`; `operands` are described by range, zeros, the number `at` the first broken element and
    what `made` them, where they have zeros or no elements. `row` is what a softmax was given there,
    `rows` are the first `bad_rows` entries of the first dimension, `batch` is the size of a batch.
    `meant` says that the value was written there on purpose, `then` which operation made NaN of an
    infinity later on. Of a second run, `differs_from` is the first step whose loss is another one
    there, None if none is; `compiled` says that the first run was, which the second is not.
    """

    differs_from: int | None
    compiled: bool


class NonfiniteEarly(TypedDict):
    """A weight (`what`, `owner`) that was not finite after step `at`, before the traced steps."""

    at: int
    what: str
    owner: str | None


class LossActivation(TypedDict):
    """The input of the loss `fn` at a `place` comes straight from an `activation`.

    That is its name in torch's graph. `module` is its module, `line` where it was computed.
    """

    fn: str
    place: str
    activation: str
    module: str | None
    line: SiteRow | None


class LossHead(TypedDict):
    """The input of the loss at a `place` was made with the weight `parameter`."""

    place: str
    parameter: str


class LossRaised(TypedDict):
    """The loss at a `place` enters what is minimised with a minus; `line` of the minus.

    Of a log-likelihood that lacks its minus it is the line of what is minimised.
    """

    place: str
    line: SiteRow | None


class NothingCounted(TypedDict):
    """`kind` is `ignored`, `masked`, `selected` (none were) or `empty`; `operation` what gave NaN.

    `of` targets, samples or elements none was left; of a division for each row, `rows` are how many
    had none, of how many. `ignored` is the value that all targets had. `line` computed it.
    """

    kind: str
    operation: str
    of: int | None
    ignored: int | None
    rows: list[int] | None
    line: SiteRow | None


class HalfRange(TypedDict):
    """What half precision did not hold: `kind` is `log`, `exp` or `overflow`, `op` the operation.

    `share` of its numbers, of a `dtype`, were out of range; `line` computed it, where known.
    """

    kind: str
    op: str
    dtype: str
    share: float
    line: SiteRow | None


class ActivationKind(TypedDict):
    """The class of the module, or the name of the function, at a `place`."""

    place: str
    of: str


class MeanBesideSum(TypedDict):
    """The `place` of a loss that is a mean over its input's `shape`.

    And the shape of what is `summed` beside it, by which `line`; the sum is `divided` by the batch,
    or by 1.
    """

    place: str
    shape: list[int]
    summed: list[int]
    divided: int
    line: SiteRow | None


class ConstantInit(TypedDict):
    """The `parameter`, the function `of` torch.nn.init that filled it, and the line `by` it."""

    parameter: str
    of: str
    by: SiteRow | None


class WeightsDrawn(TypedDict):
    """The `line` that draws weights, and their standard deviation where it is written as one."""

    line: SiteRow
    spread: float | None


class Seed(TypedDict):
    """Which generator (`of`) was seeded, with what."""

    of: str
    value: Any


class Conditions(TypedDict):
    """What decides on the last bits of a result.

    `device` and `dtype` of the first weight, `threads` within an operation, whether
    `deterministic` algorithms are asked for, cuDNN's two flags, the precision of float32 products,
    the `capability` of the CPU, and the versions of CUDA and cuDNN where the weight is on a GPU.
    """

    device: str
    dtype: str
    threads: int
    deterministic: str
    cudnn_deterministic: bool
    cudnn_benchmark: bool
    matmul_precision: str | None
    capability: str
    cuda: str | None
    cudnn: int | None


class Repeated(TypedDict):
    """How a second run of the unchanged script compares with this one.

    `steps` were compared. They part `at` a step, in its part `stage` (`weights`, `batch`, `loss`,
    ...); None for both if all that was recorded is alike. `sampled` says whether weights and batch
    of that step were seen, `place` where they differ, `a` and `b` are the two losses, and `near`
    says whether these differ by no more than rounding does.
    """

    steps: int
    at: int | None
    stage: str | None
    sampled: bool
    place: str
    a: float | str | None
    b: float | str | None
    near: bool


class Compile(TypedDict):
    """The class of what was compiled."""

    target: str


class _LoadState(TypedDict):
    owner: str
    missing: list[str]
    unexpected: list[str]


class LoadState(_LoadState, total=False):
    """The class that loaded, and the keys that were missing or unexpected, at most 50 of each.

    `kind` is `module` (`module` names it, where known) or `optimizer`; `failed` what the call
    raised. Of a module with so many `keys`, `given` so many tensors: how many `matched` in name and
    shape, `missing_count`, `unexpected_count`, `mismatched` in shape (at most 50 names); how many
    of the matched tensors were `compared` with what was there before and `changed`, and how many
    are the module's `own`; and the `prefix` that, taken off the given names (`+a.`: put before
    them, `a.>b.`: replaced), would make `prefix_matched` of them fit. Of an optimizer with so many
    `parameters`: how many states it was given and how many have a state now (`with_state`), its
    rates, those that were asked for (before any scheduler), the `default_rate` of its class, and
    its place among those that were `built`.
    """

    kind: str
    module: str | None
    failed: str
    keys: int
    given: int
    matched: int
    missing_count: int
    unexpected_count: int
    mismatched: list[str]
    compared: int
    changed: int
    own: int
    prefix: str | None
    prefix_matched: int
    parameters: int
    given_state: int
    with_state: int
    rates_before: list[float]
    rates_given: list[float]
    rates_after: list[float]
    asked_before: list[float]
    asked_given: list[float]
    default_rate: float | None
    built: int


class Clip(TypedDict):
    """`of` is `norm` or `value`."""

    of: str
    limit: float


class ModeSwitch(TypedDict):
    """The `owner` that was switched, to what, and whether gradients were on."""

    owner: str
    training: bool
    grad: bool


class EvaluationPass(TypedDict):
    """How an evaluation called a `module`, from which `line`.

    `prefix` stands before the names of its parameters: of several models all but the first have
    one. `training` is its mode, `grad` whether gradients were on. `active` names the modules (at
    most 50) that worked as in training, `dropouts` the lines of the dropouts by function that did.
    """

    module: str
    prefix: str
    line: SiteRow | None
    training: bool
    grad: bool
    active: list[str]
    dropouts: list[SiteRow]


class ModeGap(TypedDict):
    """The `operation` at which training and evaluation mode part, and the user's `line`.

    `only` is the mode that has it, None if both do; `inside` the class of torch's module that the
    line calls, if it calls one.
    """

    operation: str
    line: SiteRow | None
    inside: str | None
    only: str | None


class SamplesMixed(TypedDict):
    """The `operation` whose result depends on the place, of this `shape`, and the user's `line`.

    `inside` is the class of torch's module that the line calls, if it calls one. `by`: whether the
    samples changed places (`order`), or half of them were replaced (`company`).
    """

    operation: str
    line: SiteRow | None
    inside: str | None
    shape: list[int]
    by: str


class CausalLeak(TypedDict):
    """The `operation` that takes a later token into an earlier answer, and the user's `line`."""

    operation: str
    line: SiteRow | None


class InputUnused(TypedDict):
    """The input at a `place`, and the `line` where the model's forward begins."""

    place: str
    line: SiteRow | None


class AnswersAlike(TypedDict):
    """The `operation` whose result is the same for all samples, and the user's `line`."""

    operation: str
    line: SiteRow | None


class PaddingRead(TypedDict):
    """The `operation` that takes padding into answers for real places, and the user's `line`.

    `told` says whether the model was given a mask of padded places, or lengths.
    """

    operation: str
    line: SiteRow | None
    told: bool


class LinearPair(TypedDict):
    """The weights of the `first` and the `second` layer, and the user's `line` of the second."""

    first: str
    second: str
    line: SiteRow | None


class DropoutHigh(TypedDict):
    """The `share` of elements that a dropout drops, and the user's `line` that calls it."""

    share: float
    line: SiteRow | None


class ScoresUnscaled(TypedDict):
    """The `width` over which each score sums, and the user's `line` that computes them."""

    width: int
    line: SiteRow | None


class AttentionDimension(TypedDict):
    """The `dim` of a softmax, and the `shape` of its weights; `of` so many attentions."""

    dim: int
    shape: list[int]
    of: int
    line: SiteRow | None


class AttentionAt(TypedDict):
    """`how` says where the weights of an attention lie: on "one key", or on "all keys" alike.

    Of `count` attentions that were looked at, the one that the user's `line` computes.
    """

    how: str
    count: int
    line: SiteRow | None


class CastLoses(TypedDict):
    """What a type can't hold: `how` says what is lost of data as type `before` becomes `after`.

    "fractions" of targets; "all one": fractions, and all numbers are equal afterwards; "ids" that a
    half type can't tell apart; "wrapped": results of whole numbers that do not fit. `share` of the
    numbers lose, `low` to `high` are those before (of "wrapped": the true results).
    """

    how: str
    before: str
    after: str
    share: float
    low: float
    high: float
    line: SiteRow | None


class ResidualScaled(TypedDict):
    """`how` says by what: "a constant", "a weight" or "a random mask", for `count` sums.

    `line` is the user's that computes the sum.
    """

    how: str
    count: int
    line: SiteRow | None


class PositionsWithoutEffect(TypedDict):
    """The `name` of what holds the positions, and the `line` of use (else of `forward`)."""

    name: str
    line: SiteRow | None


class HookRegistered(TypedDict):
    """What the hook was put on."""

    of: str


class Autocast(TypedDict):
    """Device type and dtype of the region, and whether it is enabled."""

    device: str
    dtype: str
    enabled: bool


class ZeroGrad(TypedDict):
    """The class whose zero_grad was called."""

    owner: str


class Sweep(TypedDict):
    """Lowest and highest rate, number of steps, and the script's own highest rate."""

    low: float
    high: float
    steps: int
    own: float


class LossAtEnd(TypedDict):
    """Mean loss of so many of the first `batches`, in evaluation mode with the last weights.

    It is None where it could not be computed, and `why` says why.
    """

    loss: float | None
    batches: int
    why: str | None


class LadderRung(TypedDict):
    """A `rung`, how it came out (`passes`, `fails`, `untried`), a clause on that, and `numbers`."""

    rung: str
    state: str
    said: str
    numbers: dict[str, Any]
    seconds: float


class _Caller(TypedDict):
    of: str
    end: list[int] | None


class Caller(_Caller, total=False):
    """What is called (`of`) from a line that an edit may touch, and where the call ends.

    `number` tells optimizers and loaders apart; `input` and `target` are shapes.
    """

    number: int
    cls: str
    sampler: str
    module: str | None
    closure: bool
    fn: str
    input: list[int] | None
    target: list[int] | None


MODEL = EventKind(
    "model", ModelFound, "structure",
    "a root module was called for the first time, or an optimizer holds its parameters",
    absent="no model was called",
    always=True,
)  # fmt: skip
JOINED = EventKind(
    "joined", Joined, "standstill", "a process has joined a group of two processes or more",
    absent="the process trained alone: no group of two processes was there",
    always=True,
)  # fmt: skip
STANDING = EventKind(
    "standing", Standing, "standstill",
    "a process that trains with others has taken no step for five seconds, and for three times its "
    "longest pause between two steps so far, and takes none later",
    absent="each process got ahead to its end",
    always=True,
)  # fmt: skip
UNREDUCED = EventKind(
    "unreduced", Unreduced, "ranks",
    "a DistributedDataParallel that looks for no unused parameters has parameters without a "
    "gradient after its backward pass, the first time for each",
    absent="all parameters of each DistributedDataParallel had a gradient, or it looks for unused",
)  # fmt: skip
RESHARDED = EventKind(
    "resharded", Resharded, "shards",
    "an optimizer takes its first step without a gradient, after fully_shard had put shards in the "
    "place of its parameters",
    absent="no optimizer was built before fully_shard replaced its parameters",
    always=True,
)  # fmt: skip
SHARDED = EventKind(
    "sharded", Nothing, "shards",
    "an optimizer takes its first step, and holds shards (of DTensors, or of "
    "FullyShardedDataParallel)",
    absent="no optimizer stepped that holds shards, or whose parameters fully_shard had replaced",
    always=True,
)  # fmt: skip
CLIPPED_SHARD = EventKind(
    "clipped_shard", ClippedShard, "shards",
    "clip_grad_norm_ is given shards of FullyShardedDataParallel, in one of its first four calls",
    absent="clip_grad_norm_ was given no shards of FullyShardedDataParallel",
    always=True,
)  # fmt: skip
SAVED = EventKind(
    "saved", Saved, "saves",
    "torch.save writes a file by its path, in a process that trains with others; the first 64",
    absent="torch.save wrote no file by its path, or the process trained alone",
    always=True,
)  # fmt: skip
REPLICATED = EventKind(
    "replicated", Replicated, "ranks",
    "an optimizer takes the first sampled step on the weights of a DistributedDataParallel over "
    "two ranks or more",
    absent="no optimizer stepped on weights of a DistributedDataParallel over several ranks",
)  # fmt: skip
BYPASSED = EventKind(
    "bypassed", Bypassed, "ranks",
    "a step follows calls of the model inside a DistributedDataParallel and none of the wrapper, "
    "the first time for each line",
    absent="no model inside a DistributedDataParallel was trained past it",
)  # fmt: skip
BACKWARD = EventKind(
    "backward", Nothing, "optimizers",
    "a line of the script goes backward on a sampled iteration, the first time for each line",
    absent="no backward pass was seen",
)  # fmt: skip
STALLED = EventKind(
    "stalled", Stalled, "optimizers",
    "256 backward passes, 512, 1,024 and so on, follow each other without a step",
    absent="no long row of backward passes was without a step",
)  # fmt: skip
WITHOUT_GRADIENT = EventKind(
    "without_gradient", WithoutGradient, "structure",
    "the trainable parameters of an optimizer that have no gradient are others than before",
    absent="every trainable parameter of every optimizer had a gradient",
)  # fmt: skip
GRAPH_CUT = EventKind(
    "graph_cut", GraphCut, "cuts",
    "modules were called whose parameters had no gradient when the optimizer stepped; told once "
    "for each way in which their graph was cut",
    absent="every trainable parameter whose module was called had a gradient",
)  # fmt: skip
OUTSIDE_OPTIMIZER = EventKind(
    "outside_optimizer", OutsideOptimizer, "structure",
    "the parameters that have a gradient and no optimizer are others than before",
    absent="every parameter with a gradient is held by an optimizer",
)  # fmt: skip
LOOSE_PARAMETERS = EventKind(
    "loose_parameters", LooseParameters, "structure",
    "the parameters that have a gradient, no optimizer and no place in any model are others than "
    "before",
    absent="every parameter with a gradient belongs to a model, or to an optimizer",
)  # fmt: skip
CLEARED = EventKind(
    "cleared", Cleared, "clearing",
    "gradients are cleared between backward() and the step, the first time for each line",
    absent="no gradients were cleared between backward() and the step",
)  # fmt: skip
ROWS_MOVED = EventKind(
    "rows_moved", RowsMoved, "first_questions",
    "rows that a loss of classes is given hold classes of several places, or those of another one",
    absent="each row that a loss of classes was given belonged to its target's place",
)  # fmt: skip
DERIVATIVE = EventKind(
    "derivative", Derivative, "derivatives",
    "torch.autograd.grad differentiates a model by its input, the first time for each line",
    absent="torch.autograd.grad was not called for a derivative of a model by its input",
)  # fmt: skip
INPUT = EventKind(
    "input", Input, "batches",
    "a model is given a tensor of a new shape (of one sample) or dtype",
    absent="no model was given a tensor",
)  # fmt: skip
EVAL_INPUT = EventKind(
    "eval_input", EvalInput, "held_out",
    "an evaluation gives a trained model a tensor of a new shape (of one sample) or dtype",
    absent="no trained model was called with gradients off",
)  # fmt: skip
INPUT_CONTENTS = EventKind(
    "input_contents", InputContents, "contents",
    "1, 2, 4, 8, ... batches of an input were looked at, and at the end of the run",
    absent="no model was given a tensor",
)  # fmt: skip
EVAL_CONTENTS = EventKind(
    "eval_contents", EvalContents, "contents",
    "as `input_contents`, where evaluations gave the model something at the same place",
    absent="no trained model was called with gradients off",
)  # fmt: skip
EVAL_TOKENS = EventKind(
    "eval_tokens", EvalTokens, "tokens",
    "the run ends, and both training and evaluations gave a model rows of four whole numbers or "
    "more at the same place",
    absent="no trained model was given token ids in training and with gradients off",
)  # fmt: skip
OVERLAP_FOUND = EventKind(
    "overlap_found", OverlapFound, "overlap",
    "1, 2, 4, ... batches that a line evaluated were looked for in what was trained on",
    absent="no evaluation followed sampled batches that hold half of what training draws",
)  # fmt: skip
DATA_CHANGED = EventKind(
    "data_changed", DataChanged, "changed_data",
    "an array of a data set is changed by reading the first batch of a pass, and handed out so",
    absent="no data set's own array was changed as it was read",
    always=True,
)  # fmt: skip
NEIGHBOURS = EventKind(
    "neighbours", NeighboursFound, "neighbours",
    "256 and 1,024 rows of an input were kept with their targets, and at the end of the run",
    absent="no loss of torch.nn was given one target for each of 256 different rows of an input",
)  # fmt: skip
EVAL_LABELS = EventKind(
    "eval_labels", EvalLabels, "evaluation",
    "an evaluation ends, and labels of at most 64 classes were counted; each time there are twice "
    "as many",
    absent="no loss of class labels, one for each row, was computed with gradients off",
    always=True,
)  # fmt: skip
EVAL_RENUMBERED = EventKind(
    "eval_renumbered", EvalRenumbered, "evaluation",
    "an evaluation in which two answers or more nearly always meant another label",
    absent="in no evaluation did an answer of the model mean another label",
    always=True,
)  # fmt: skip
EPOCH = EventKind(
    "epoch", Epoch, "loaders",
    "one of the first 16 passes of a kind of DataLoader over its data set ends",
    absent="no DataLoader was iterated",
    always=True,
)  # fmt: skip
SCALER = EventKind(
    "scaler", Scaler, "scaling",
    "the number of losses that a GradScaler scaled has grown by a fifth, or a step goes past it",
    absent="no GradScaler scaled a loss",
    always=True,
)  # fmt: skip
UNSCALED_PASS = EventKind(
    "unscaled_pass", Nothing, "passes",
    "a step follows backward passes of which some went through a scaled loss and some did not; the "
    "line of one that did not",
    absent="no step had both scaled and unscaled backward passes",
)  # fmt: skip
CLIPPING = EventKind(
    "clipping", Clipping, "clipping",
    "a line has clipped gradients 1, 2, 4, 8, ... times",
    absent="gradients were not clipped",
)  # fmt: skip
LOADER = EventKind(
    "loader", Loader, "loaders",
    "iteration over a new kind of DataLoader begins",
    absent="no DataLoader was iterated",
    always=True,
)  # fmt: skip
LOSS_CALL = EventKind(
    "loss_call", LossCall, "losses",
    "a loss function of torch.nn is called in a new way: other line, shapes of one sample, or need "
    "of gradients",
    absent="no loss function of torch.nn was called",
)  # fmt: skip
LOSS_GIVEN = EventKind(
    "loss_given", LossGiven, "domains",
    "a loss or a distribution is given what was made in another way than before",
    absent="no loss with a domain was called, and no distribution was built",
)  # fmt: skip
PAIRS_COMPARED = EventKind(
    "pairs_compared", PairsCompared, "pairs",
    "the arithmetic of a loss holds each of N numbers against each of N others",
    absent="no arithmetic of a loss made a table of two rows of numbers",
)  # fmt: skip
OVERLAP = EventKind(
    "overlap", Overlap, "boxes",
    "a loss is computed of the overlap of boxes, the first time for each line",
    absent="no loss was computed of an overlap between boxes and others without a gradient",
)  # fmt: skip
PASS_WASTED = EventKind(
    "pass_wasted", PassWasted, "wasted",
    "gradients are cleared between one backward pass and the next, and no step has used them, the "
    "first time for each training",
    absent="the gradients of every backward pass were used, or added to",
)  # fmt: skip
TURN = EventKind(
    "turn", Turn, "players",
    "networks meet in the losses of an iteration in a new way: which are given what others made, "
    "and whose weights are stepped",
    absent="no loss went through a network that the script calls itself",
)  # fmt: skip
GRADIENT_PENALTY = EventKind(
    "gradient_penalty", GradientPenalty, "penalties",
    "a slope at an input, by `torch.autograd.grad`, is part of a loss, the first time for each "
    "line and norm",
    absent="no slope by torch.autograd.grad was part of a loss",
)  # fmt: skip
NOT_RESTORED = EventKind(
    "not_restored", NotRestored, "resuming",
    "an optimizer takes its first step, on weights from a file that holds an optimizer's state "
    "too, with the same settings, and it has loaded none",
    absent="no optimizer stepped on weights of a file without the state that lay beside them",
    always=True,
)  # fmt: skip
VAIN_THAW = EventKind(
    "vain_thaw", VainThaw, "freezing",
    "`requires_grad = True` was set on a frozen module, or a misspelt one on a frozen parameter",
    absent="no attribute was set on a module or a parameter that was frozen, to thaw it",
)  # fmt: skip
VAIN_FREEZE = EventKind(
    "vain_freeze", VainFreeze, "freezing",
    "`requires_grad = False` was set on a module whose parameters have gradients",
    absent="no attribute was set on a module to freeze it, or it was frozen",
)  # fmt: skip
HALF_MASK = EventKind(
    "half_mask", HalfMask, "half_masks",
    "a constant is written into float16, the first time for each line",
    absent="no constant was written into float16",
)  # fmt: skip
LOSS_WITHOUT_GRAPH = EventKind(
    "loss_without_graph", LossWithoutGraph, "losses",
    "backward() is called on a leaf: a loss made from a number",
    absent="every loss that backward() was called on had a graph",
)  # fmt: skip
BACKWARD_FAILED = EventKind(
    "backward_failed", BackwardFailed, "losses", "backward() raised",
    absent="backward() did not raise",
)  # fmt: skip
OVERWRITTEN = EventKind(
    "overwritten", Overwritten, "overwritten",
    "a backward pass failed on a weight that a step had changed since its forward pass",
    absent="no backward pass failed on a weight that a step had changed",
    always=True,
)  # fmt: skip
NONFINITE_LOSS = EventKind(
    "nonfinite_loss", Nothing, "origins",
    "a loss on the CPU is not finite, whether or not a step is taken with it; the first 64",
    absent="no loss on the CPU was NaN or infinite",
    always=True,
)  # fmt: skip
NONFINITE_ORIGIN = EventKind(
    "nonfinite_origin", NonfiniteOrigin, "origins",
    "the first loss on the CPU that is not finite: the first operand in forward order that is not",
    absent="no loss on the CPU had an operand in its graph that is not finite",
    always=True,
)  # fmt: skip
NONFINITE_TRACED = EventKind(
    "nonfinite_traced", NonfiniteTraced, "forensics",
    "the operation that made the first value that is not finite of a step: where its batch was "
    "recorded, or a second run has traced it",
    absent="no loss and no gradient on the CPU was traced, or none was not finite",
)  # fmt: skip
NONFINITE_EARLY = EventKind(
    "nonfinite_early", NonfiniteEarly, "forensics",
    "in a traced run: a weight was not finite before the step that is traced",
    absent="no weight was seen to be not finite before the step that is traced",
    always=True,
)  # fmt: skip
LOSS_ACTIVATION = EventKind(
    "loss_activation", LossActivation, "loss_graph",
    "a loss is given what comes straight from an activation that limits it, the first time for "
    "each place",
    absent="no loss was given what comes straight from an activation that limits it",
)  # fmt: skip
LOSS_HEAD = EventKind(
    "loss_head", LossHead, "loss_graph",
    "a loss is given what a layer with weights gave out, the first time for each place",
    absent="no loss was given what a layer with weights gave out",
)  # fmt: skip
LOSS_RAISED = EventKind(
    "loss_raised", LossRaised, "loss_graph",
    "the optimizer is asked to raise a loss, the first time for each place",
    absent="no loss entered what is minimised with a minus",
)  # fmt: skip
NOTHING_COUNTED = EventKind(
    "nothing_counted", NothingCounted, "counted",
    "a loss on the CPU is NaN, since its mean is one over nothing: the first time",
    absent="no loss on the CPU was NaN because its mean was one over nothing",
    always=True,
)  # fmt: skip
HALF_RANGE = EventKind(
    "half_range", HalfRange, "half_ranges",
    "one of the first losses on the CPU that are not finite, all weights being finite, comes of an "
    "operation whose numbers half precision does not hold",
    absent="no loss on the CPU was NaN or infinite for the range of half precision",
    always=True,
)  # fmt: skip
ACTIVATION_KIND = EventKind(
    "activation_kind", ActivationKind, "activations",
    "an output is measured at a new place",
    absent="no module inside a model gave out floating-point numbers",
)  # fmt: skip
MEAN_BESIDE_SUM = EventKind(
    "mean_beside_sum", MeanBesideSum, "loss_weights",
    "a loss that is a mean over all elements is added to the sum of a divergence over its batch",
    absent="no mean was added to the plain sum of a divergence over its batch",
)  # fmt: skip
CONSTANT_INIT = EventKind(
    "constant_init", ConstantInit, "symmetry",
    "a weight whose rows or columns are equal was given one value by torch.nn.init",
    absent="torch.nn.init gave no trained weight one value for all its elements",
    always=True,
)  # fmt: skip
WEIGHTS_DRAWN = EventKind(
    "weights_drawn", WeightsDrawn, "drawn",
    "a line of the user's own files draws weights at random; found at the end, 16 lines at most",
    absent="no line of the user's own files draws weights",
    always=True,
)  # fmt: skip
SEED = EventKind("seed", Seed, "notes",
    "a random generator is seeded, the first four times with each number",
                 absent="no random generator was seeded", always=True)  # fmt: skip
CONDITIONS = EventKind(
    "conditions", Conditions, "setup",
    "an optimizer takes its first step: the first time for each set of them",
    absent="no optimizer took a step",
    always=True,
)  # fmt: skip
REPEATED = EventKind(
    "repeated", Repeated, "repeating",
    "the script was run a second time, and that run was compared with this one",
    absent="only `assay check --twice` runs a script a second time",
    always=True,
)  # fmt: skip
COMPILE = EventKind("compile", Compile, "notes", "torch.compile is called",
                    absent="torch.compile was not called", always=True)  # fmt: skip
LOAD_STATE = EventKind(
    "load_state", LoadState, "loading",
    "a load_state_dict returns or raises, the first 16 times for each class",
    absent="no state was loaded",
    always=True,
)  # fmt: skip
CLIP = EventKind(
    "clip", Clip, "notes", "gradients are clipped, the first time for each kind and limit",
    absent="gradients were not clipped",
)  # fmt: skip
MODE_SWITCH = EventKind(
    "mode_switch", ModeSwitch, "notes", "a call of train() or eval() changes a module's mode",
    absent="train() and eval() changed no mode",
    always=True,
)  # fmt: skip
EVALUATED = EventKind(
    "evaluated", Nothing, "notes",
    "the script enters the first region without gradients after a switch to evaluation mode",
    absent="no region without gradients followed a switch to evaluation mode",
    always=True,
)  # fmt: skip
EVALUATION_PASS = EventKind(
    "evaluation_pass", EvaluationPass, "evaluation_modes",
    "an evaluation calls a trained model from another line, or in other modes, than before",
    absent="no evaluation called a trained model",
)  # fmt: skip
MODE_GAP = EventKind(
    "mode_gap", ModeGap, "mode_gap",
    "the loss of a batch is much higher in evaluation mode: the first time for each line",
    absent="no batch was seen whose loss is much higher in evaluation mode",
)  # fmt: skip
SAMPLES_MIXED = EventKind(
    "samples_mixed",
    SamplesMixed,
    "sample_order",
    "the first operation of a model whose result for a sample depends on the others in the batch",
    absent="no answer was seen to depend on the place of its sample",
)
CAUSAL_LEAK = EventKind(
    "causal_leak", CausalLeak, "questions",
    "the first operation whose result at a position depends on the tokens after it",
    absent="no answer was seen to depend on the tokens after it",
)  # fmt: skip
INPUT_UNUSED = EventKind(
    "input_unused", InputUnused, "questions",
    "no operation leads from an input of a model to its answer, the first time for each",
    absent="operations lead from each input to the answer",
)  # fmt: skip
ANSWERS_ALIKE = EventKind(
    "answers_alike", AnswersAlike, "questions",
    "the last operation that is given samples that differ, where all answers are alike",
    absent="the answers of a batch were not all alike",
)  # fmt: skip
PADDING_READ = EventKind(
    "padding_read", PaddingRead, "questions",
    "the first operation whose result for a real place depends on what stands in padded ones",
    absent="no answer was seen to depend on padding",
)  # fmt: skip
LINEAR_PAIR = EventKind(
    "linear_pair", LinearPair, "questions",
    "a layer is given the result of another with nothing non-linear between, the first time for "
    "each two",
    absent="something non-linear stood between all layers",
)  # fmt: skip
DROPOUT_HIGH = EventKind(
    "dropout_high", DropoutHigh, "questions",
    "a dropout drops 70 % of its elements or more, the first time for each share",
    absent="no dropout dropped so many",
)  # fmt: skip
SCORES_UNSCALED = EventKind(
    "scores_unscaled", ScoresUnscaled, "first_questions",
    "the scores of an attention by hand go to their softmax as they are",
    absent="the scores of attention were scaled",
)  # fmt: skip
ATTENTION_DIMENSION = EventKind(
    "attention_dimension", AttentionDimension, "first_questions",
    "the weights of an attention by hand are normalised over another dimension than they are "
    "summed over",
    absent="the weights of attention were summed over what they are normalised over",
)  # fmt: skip
ATTENTION_AT = EventKind(
    "attention_at", AttentionAt, "questions",
    "the weights of an attention lie near one key, or are nearly the same, the first time for each",
    absent="no attention had all its weight on one key, or the same on all",
)  # fmt: skip
CAST_LOSES = EventKind(
    "cast_loses", CastLoses, "first_questions",
    "a change of type, or small whole numbers, lose what inputs or targets carry",
    absent="no type lost what inputs or targets carry, from the call of a model on",
)  # fmt: skip
RESIDUAL_SCALED = EventKind(
    "residual_scaled", ResidualScaled, "questions",
    "the sum of a residual block is multiplied, the first time for each kind of factor",
    absent="no sum of a residual block was multiplied",
)  # fmt: skip
POSITIONS_WITHOUT_EFFECT = EventKind(
    "positions_without_effect", PositionsWithoutEffect, "questions",
    "answers are the same for any order of a sequence, in a model that has positions",
    absent="the order of sequences changed the answers",
)  # fmt: skip
HOOK_REGISTERED = EventKind(
    "hook_registered", HookRegistered, "notes", "the script puts an autograd hook on something",
    absent="no autograd hook was registered",
    always=True,
)  # fmt: skip
CHECKPOINTING = EventKind(
    "checkpointing", Nothing, "notes", "activation checkpointing is used for the first time",
    absent="activation checkpointing was not used",
    always=True,
)  # fmt: skip
AUTOCAST = EventKind(
    "autocast", Autocast, "notes", "an autocast region of a new kind is entered",
    absent="no autocast region was entered",
)  # fmt: skip
ZERO_GRAD = EventKind(
    "zero_grad", ZeroGrad, "notes", "gradients are cleared, the first time for each class",
    absent="zero_grad() was not called",
)  # fmt: skip
RATE_CHANGED = EventKind(
    "rate_changed", RateChanged, "rates",
    "a step's highest rate is twice, or half, that of the step before, the first 200 times",
    absent="no rate changed by a factor of 2 from one step to the next",
    always=True,
)  # fmt: skip
AVERAGE = EventKind(
    "average", Average, "averages",
    "an evaluation calls a model of the shape of a trained one that no optimizer holds, the first "
    "time for each class",
    absent="no evaluation called an average of weights twice",
    always=True,
)  # fmt: skip
STEP_SKIPPED = EventKind(
    "step_skipped", Nothing, "clock",
    "a GradScaler leaves a step out, since gradients are not finite",
    absent="no step was left out",
    always=True,
)  # fmt: skip
SWEEP = EventKind(
    "sweep", Sweep, "sweep", "a learning-rate range test begins",
    absent="no range test ran",
    always=True,
)  # fmt: skip
LADDER_RUNG = EventKind(
    "ladder_rung", LadderRung, "ladder",
    "an extra run that is made for it ends, and a rung of the ladder was tried on copies",
    absent="no run was made to climb the ladder",
    always=True,
)  # fmt: skip
LOSS_AT_END = EventKind(
    "loss_at_end", LossAtEnd, "ending",
    "a run of a trial ends, and the first batches are asked for once more in evaluation mode",
    absent="only trials ask for it",
    always=True,
)  # fmt: skip
CALLER = EventKind(
    "caller", Caller, "callers",
    "one of the calls that make up a training comes from a new line; in trials only",
    absent="only trials look for the lines that call",
    always=True,
)  # fmt: skip

EVENTS: Declared[EventKind[Any]] = Declared("event", (
    REPLICATED, BYPASSED, JOINED, STANDING, UNREDUCED, CLIPPED_SHARD, SAVED, RESHARDED, SHARDED,
    MODEL, BACKWARD, STALLED, WITHOUT_GRADIENT, GRAPH_CUT, OUTSIDE_OPTIMIZER, LOOSE_PARAMETERS,
    CLEARED, DERIVATIVE, ROWS_MOVED, INPUT, INPUT_CONTENTS, EVAL_INPUT, EVAL_CONTENTS,
    EVAL_TOKENS, EVAL_LABELS, EVAL_RENUMBERED,
    NEIGHBOURS, OVERLAP_FOUND, DATA_CHANGED, LOADER, EPOCH, LOSS_CALL, LOSS_GIVEN, PAIRS_COMPARED,
    OVERLAP, HALF_MASK, VAIN_THAW, VAIN_FREEZE, NOT_RESTORED, PASS_WASTED, TURN, GRADIENT_PENALTY,
    LOSS_WITHOUT_GRAPH, BACKWARD_FAILED, OVERWRITTEN, NONFINITE_LOSS, NONFINITE_ORIGIN,
    NONFINITE_TRACED, NONFINITE_EARLY, NOTHING_COUNTED,
    ACTIVATION_KIND, CONSTANT_INIT, MEAN_BESIDE_SUM, WEIGHTS_DRAWN, SEED, CONDITIONS,
    REPEATED, COMPILE,
    LOAD_STATE, UNSCALED_PASS, CLIPPING, SCALER,
    CLIP, MODE_SWITCH, EVALUATED, HOOK_REGISTERED, CHECKPOINTING, AUTOCAST,
    ZERO_GRAD, RATE_CHANGED, AVERAGE, STEP_SKIPPED, SWEEP, CALLER, HALF_RANGE, SAMPLES_MIXED,
    CAUSAL_LEAK, INPUT_UNUSED, ANSWERS_ALIKE, PADDING_READ, LOSS_ACTIVATION, LOSS_RAISED,
    LOSS_HEAD, LINEAR_PAIR, DROPOUT_HIGH, SCORES_UNSCALED, ATTENTION_DIMENSION, ATTENTION_AT,
    CAST_LOSES,
    RESIDUAL_SCALED,
    POSITIONS_WITHOUT_EFFECT, EVALUATION_PASS,
    MODE_GAP, LADDER_RUNG, LOSS_AT_END,
))  # fmt: skip
"""Every kind of event there is, in the order of the reference page."""
