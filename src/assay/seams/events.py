"""The events: what seams announce, with which arguments, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer

    Roots = Tensor | Sequence[Tensor]

AT_EVERY_STEP = frozenset(
    ("backward_begin", "backward_end", "step_begin", "gradients_ready", "step_end")
)
"""Between samples nobody but the clock listens to these."""

VARIABLE = 0x04
"""Of a code object's flags: it takes `*args` (`inspect.CO_VARARGS`)."""


class EventError(TypeError):
    """A listener does not fit the event that it is to hear."""


class Events:
    """One method for each event: its parameters are what a listener is given, by position.

    Nothing calls these methods. A method `on_<event>` of a probe has the same parameters with the
    same names, any other listener as many; both are checked when they are attached (`verify`).
    """

    # -- optimizers and their steps ---------------------------------------------------------------

    def optimizer_created(self, optimizer: Optimizer) -> None:
        """Called after the constructor of `torch.optim.Optimizer` has returned."""

    def optimizer_built(self, optimizer: Optimizer) -> None:
        """Called after the outermost constructor has returned; only where a trick needs it."""

    def group_added(self, optimizer: Optimizer) -> None:
        """Called after `add_param_group`."""

    def step_begin(self, optimizer: Optimizer, has_closure: bool) -> None:
        """Called before the optimizer's own step code."""

    def gradients_ready(self, optimizer: Optimizer) -> None:
        """Called when the gradients that this step will use are final."""

    def closure_begin(self, optimizer: Optimizer) -> None:
        """Called before the closure that was given to `step`, each time."""

    def closure_end(self, optimizer: Optimizer) -> None:
        """Called after the closure has returned or raised."""

    def step_end(self, optimizer: Optimizer) -> None:
        """Called after the optimizer's own step code."""

    def step_skipped(self, optimizer: Optimizer) -> None:
        """Called in place of `step_end` if a GradScaler found gradients that are not finite."""

    def zero_grad(self, owner: Optimizer | Module) -> None:
        """Called after gradients were cleared."""

    def gathered(self, batches: int) -> None:
        """Called by a trick that gathered so many of the script's batches for the coming step."""

    # -- backward passes --------------------------------------------------------------------------

    def backward_begin(self, roots: Roots, kept: bool) -> None:
        """Called before `backward` computes gradients; `kept`: the graph is used again."""

    def rate_changed(
        self, training: Any, optimizer: Optimizer, before: float, after: float
    ) -> None:
        """Called as a step ends whose highest rate is twice, or half, that of the step before."""

    def stalled(self, passes: int, finite: bool | None) -> None:
        """Called after so many passes without a step, ever more rarely; is the loss finite?"""

    def loss_not_finite(self, roots: Roots) -> None:
        """Called before gradients of a loss on the CPU that is NaN or infinite."""

    def backward_end(self, roots: Roots) -> None:
        """Called after `backward` has returned."""

    def backward_failed(self, roots: Roots, error: BaseException) -> None:
        """Called after `backward` has raised."""

    def grad_begin(self, outputs: Roots, inputs: Roots) -> None:
        """Called before `torch.autograd.grad`."""

    def grad_end(self, outputs: Roots, inputs: Roots, gradients: Sequence[Tensor | None]) -> None:
        """Called after `torch.autograd.grad` has returned."""

    def hook_registered(self, kind: str) -> None:
        """Called when the user puts an autograd hook on a `tensor` or a `module`."""

    def checkpointing(self) -> None:
        """Called when activation checkpointing is used."""

    def transform(self, name: str) -> None:
        """Called when a transform of `torch.func`, such as `grad`, is applied."""

    def values_read(self, tensor: Tensor) -> None:
        """Called when Python takes all values out of a tensor."""

    def graph_left(self, tensor: Tensor, how: str) -> None:
        """Called before the script takes values, without their graph, out of a tensor that has one.

        A leaf that wants a gradient counts as well. `how` is the method, `data` or `tensor`.
        """

    # -- models and losses ------------------------------------------------------------------------

    def module_built(self, module: Module) -> None:
        """Called after the constructor of `nn.Module` has returned: nothing is in it yet."""

    def root_begin(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Called before an outermost module is called with gradients on."""

    def root_end(self, module: Module, result: Any) -> None:
        """Called after it has returned."""

    def root_found(self, module: Module) -> None:
        """Called when a root module is met for the first time."""

    def module_begin(self, module: Module) -> None:
        """Called before any module inside a root is called with gradients on."""

    def module_end(self, module: Module, args: tuple[Any, ...], result: Any) -> None:
        """Called after it has returned."""

    def evaluation_root(
        self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        """Called before an outermost module is called with gradients off."""

    def evaluation_root_end(self, module: Module, result: Any) -> None:
        """Called after it has returned, where somebody has heard of its beginning."""

    def called_root(self, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Called before an outermost module is called, gradients on or off."""

    def called_root_end(self, module: Module, result: Any) -> None:
        """Called after it has returned, where somebody has heard of its beginning."""

    def dropout(self, name: str, rate: Any, training: Any, told: bool) -> None:
        """Called before a functional dropout; `told`: the caller has said whether it is on."""

    def activation(self, name: str, input: Tensor, result: Tensor) -> None:
        """Called after a functional activation has returned."""

    def distribution(self, name: str, probs: Any, logits: Any) -> None:
        """Called after a distribution was built of `probs` or `logits`, one of which is None."""

    def log_probability(self, value: Tensor, result: Tensor) -> None:
        """Called after `log_prob(value)` of a distribution has returned."""

    def loss(
        self,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Tensor,
    ) -> None:
        """Called after a functional loss has returned, gradients on or off."""

    def evaluation_loss(
        self,
        name: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        result: Tensor,
    ) -> None:
        """Called after `loss`, if gradients are off."""

    def mode(self, module: Module, training: bool) -> None:
        """Called when `Module.train` or `.eval` is called on a module."""

    def gradients_off(self, by_user: bool) -> None:
        """Called when the user enters a region without gradients; not for those of torch itself."""

    def constant_init(self, function: str, tensor: Tensor) -> None:
        """Called after a function of `torch.nn.init` gave all elements the same value."""

    def file_loaded(self, content: Any) -> None:
        """Called after `torch.load` has returned."""

    def load_state_begin(self, owner: Module | Optimizer, state: Any) -> None:
        """Called before `load_state_dict`."""

    def load_state_failed(self, owner: Module | Optimizer, error: BaseException) -> None:
        """Called after `load_state_dict` has raised."""

    def load_state(self, owner: Module | Optimizer, result: Any) -> None:
        """Called after `load_state_dict` has returned."""

    def weights_kept(self, module: Module) -> None:
        """Called after the weights of a module were taken, copied or saved."""

    def saved(self, file: Any) -> None:
        """Called after `torch.save` has written to a path or a file object."""

    # -- data -------------------------------------------------------------------------------------

    def loader_created(self, loader: Any) -> None:
        """Called after the constructor of a DataLoader has returned."""

    def loader_begin(self, loader: Any) -> None:
        """Called before iteration over a DataLoader begins."""

    def loader_begun(self, loader: Any, iterator: Any) -> None:
        """Called when iteration has begun."""

    def indices(self, loader: Any, iterator: Any, indices: Sequence[Any] | None) -> None:
        """Called when the indices of a batch were drawn; None: there are no more.

        The loader is known only while its iterator is being built, else it is None.
        """

    def worker_ready(self, worker: Any) -> None:
        """Called in a worker process of a loader, before its first sample."""

    def batch(self, loader: Any, batch: Any, waited: float) -> None:
        """Called when a DataLoader hands out a batch, after so many seconds."""

    def loader_end(self, iterator: Any) -> None:
        """Called when a DataLoader has no more batches."""

    # -- rates, clipping, precision ---------------------------------------------------------------

    def scheduler_created(self, scheduler: Any) -> None:
        """Called after the constructor of a scheduler has returned."""

    def scheduler_step(self, scheduler: Any, given: Any) -> None:
        """Called after the user's `scheduler.step(given)`; None if nothing was given."""

    def clip(self, kind: str, limit: Any, parameters: Any, total: Tensor | None) -> None:
        """Called after gradients were clipped, by `norm` or by `value` (then total is None)."""

    def scaled(self, original: Tensor, scaled: Tensor) -> None:
        """Called after `GradScaler.scale` has multiplied a loss."""

    def divided(self, original: Tensor, part: Tensor) -> None:
        """Called by a trick that divided a loss before its backward pass."""

    def unscaled(self, scaler: Any, optimizer: Optimizer) -> None:
        """Called after the user's `GradScaler.unscale_`."""

    def scaler_step(self, scaler: Any, optimizer: Optimizer) -> None:
        """Called before `GradScaler.step`."""

    def scaler_update(self, scaler: Any) -> None:
        """Called after `GradScaler.update`."""

    def autocast(self, device_type: str, dtype: Any, enabled: bool) -> None:
        """Called when an autocast region is entered."""

    # -- the process ------------------------------------------------------------------------------

    def seed(self, kind: str, value: Any) -> None:
        """Called after a random generator was seeded."""

    def compile(self, target: Any) -> None:
        """Called when `torch.compile` is called."""

    def group_begin(self, rank: int | None, world: int | None) -> None:
        """Called before `init_process_group`, with what it was told by keyword."""

    def process_group(self, rank: int, world: int, backend: Any) -> None:
        """Called after `init_process_group` has returned."""

    def mesh(self, shape: tuple[int, ...], names: tuple[str, ...] | None) -> None:
        """Called after `init_device_mesh` has laid the ranks out, with the names of dimensions."""

    def replicated(self, wrapper: Module) -> None:
        """Called after the constructor of DistributedDataParallel has returned."""

    def reduced(self, group: Any) -> None:
        """Called after `all_reduce` in a process group has returned."""

    def shard_begin(self, module: Module) -> None:
        """Called before `fully_shard` puts shards in the place of a module's parameters."""

    def child_failed(self, pid: int, index: int, code: int) -> None:
        """Called when a process that torch started has failed; below 0 its signal's number.

        `index` is its rank for torchrun, and its place among its siblings for `mp.spawn`.
        """

    def training_found(self, training: Any, optimizer: Optimizer) -> None:
        """Called when an optimizer takes its first step: after it, before `step_end` is over."""


def _parameters(function: Any) -> tuple[str, ...]:
    code = function.__code__
    names: tuple[str, ...] = code.co_varnames[1 : code.co_argcount]
    return names


EVENTS: dict[str, tuple[str, ...]] = {
    name: _parameters(method) for name, method in vars(Events).items() if not name.startswith("_")
}
"""The names of the arguments of each event."""


_verified: set[tuple[str, str, Any, int]] = set()


def verify(event: str, listener: Callable[..., Any]) -> None:
    """Checks that a listener can be called with what an event gives; costs nothing later.

    Raises:
        EventError: There is no such event, or the listener's parameters are others. The message
            names the first that is missing, too many or called otherwise.
    """
    where = getattr(listener, "__qualname__", repr(listener))
    given = EVENTS.get(event)
    if given is None:
        raise EventError(f"{where} listens to `{event}`, and no event is called so")
    function = getattr(listener, "__func__", listener)
    code = getattr(function, "__code__", None)
    if code is None:  # a builtin, such as a list's `append`, or an object that is called
        return
    skipped = 1 if getattr(listener, "__self__", None) is not None else 0
    key = event, where, code, skipped
    if key in _verified:  # the listeners of samples come and go
        return
    names = code.co_varnames[skipped : code.co_argcount]
    signature = f"`{event}({', '.join(given)})`"
    if len(names) < len(given) and not code.co_flags & VARIABLE:
        raise EventError(f"{where} has no parameter `{given[len(names)]}`, which {signature} gives")
    required = len(names) - len(function.__defaults__ or ())
    if required > len(given):
        raise EventError(f"{where} wants `{names[len(given)]}`, which {signature} does not give")
    if where.rpartition(".")[2] == f"on_{event}":
        for name, wanted in zip(names, given, strict=False):
            if name.lstrip("_") != wanted:
                raise EventError(f"{where} calls `{name}` what {signature} calls `{wanted}`")
    _verified.add(key)


def verify_methods(kind: type) -> None:
    """Checks all methods `on_<event>` of a class, also of those that it attaches by itself.

    Raises:
        EventError: One of them fits no event.
    """
    for name in dir(kind):
        if name.startswith("on_"):
            verify(name.removeprefix("on_"), getattr(kind, name).__get__(object(), kind))
