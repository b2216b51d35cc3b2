"""Probe: what is trained by what: modules, parameters, groups, and what has no gradient."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch.nn.parameter import is_lazy

from ...seams.callsite import user_site
from ...watching.build_sites import BuildSites
from ...watching.measures import norms, total
from ...watching.probe import Probe
from ...watching.training import ByHand, TrainingLog
from .loaded import Loaded
from .loose import Loose

_SETTINGS = ("lr", "momentum", "dampening", "nesterov", "betas", "alpha", "eps", "weight_decay",
             "amsgrad", "maximize", "decoupled_weight_decay", "fused", "foreach", "capturable",
             "rho")  # fmt: skip

_MODULE_SETTINGS = ("p", "eps", "momentum", "affine", "elementwise_affine", "track_running_stats",
                    "num_groups", "dropout", "batch_first", "bidirectional", "num_heads",
                    "padding_idx")  # fmt: skip
"""What decides how a layer behaves and can't be read off its weights."""

MODULES_AT_MOST = 20_000
FROZEN_AT_MOST = 100_000
SHARED_AT_MOST, PLACES_AT_MOST = 200, 50


def parameter_names(probe: Probe, group: dict[str, Any], index: int) -> list[str]:
    """Names a group's parameters; of no known module, `group 0 parameter 3`."""
    names = probe.watch.names
    return [
        names.parameter(p) or f"group {index} parameter {position}"
        for position, p in enumerate(group["params"])
    ]


def plain(value: Any) -> Any:
    """Returns a setting as the journal may hold it: a number, a word, or a list of them."""
    if isinstance(value, torch.Tensor):
        return float(value) if value.numel() == 1 else None
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value if isinstance(value, (int, float, bool, str, type(None))) else str(value)


def _module_settings(module: torch.nn.Module) -> dict[str, Any] | None:
    """Settings of a layer that are plain numbers; None for one without any."""
    own = vars(module)
    kept = {key: own[key] for key in _MODULE_SETTINGS if type(own.get(key)) in (bool, int, float)}
    return kept or None


def _reference(optimizer: Any) -> Callable[[], Any]:
    """Returns what gives the optimizer for as long as it lives; one of steps by hand lives on."""
    return (lambda: optimizer) if isinstance(optimizer, ByHand) else weakref.ref(optimizer)


def _has_shape(parameter: Any) -> bool:
    """Whether a parameter has its shape; that of a lazy layer has none before its first call."""
    return not is_lazy(parameter)


def shared_places(root: torch.nn.Module) -> list[tuple[str, list[str]]]:
    """Yields what stands at several places of a model: parameter, buffer or module.

    A name is made of the first name of the module that holds it. Each module is looked at once, so
    that what is shared inside something shared costs nothing more, and a circle ends.
    """
    places: dict[int, tuple[str, list[str]]] = {}
    for owner, module in root.named_modules():
        held = vars(module)
        for kind, table in (
            ("parameter", held["_parameters"]),
            ("buffer", held["_buffers"]),
            ("module", held["_modules"]),
        ):
            for key, thing in table.items():
                if thing is not None:
                    name = f"{owner}.{key}" if owner else key
                    places.setdefault(id(thing), (kind, []))[1].append(name)
    return [entry for entry in places.values() if len(entry[1]) > 1]


class Structure(Probe):
    """Writes `model` and `optimizer` lines once each, and again when they change.

    A `model` line has each module's class, mode, settings and the user's line that built it (for
    what was copied or unpickled, that of the module around it), and what stands at several places.
    """

    name = "structure"
    always: ClassVar = (
        "module_built", "optimizer_created", "group_added", "root_found", "training_found"
    )  # fmt: skip
    sampled: ClassVar = ("module_begin", "backward_begin", "gradients_ready")

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._sites: dict[int, Any] = {}
        self._stepped_at: dict[int, Any] = {}
        self._began: dict[int, int] = {}
        self._written: dict[int, Any] = {}
        self._missing: dict[int, Any] = {}
        self._optimized: dict[int, tuple[Callable[[], Any], set[int]]] = {}
        self._frozen: dict[int, weakref.ref[Any]] = {}
        self._built: weakref.WeakSet[Any] = weakref.WeakSet()
        self._build_sites = BuildSites()
        self._loose = Loose(watch.names, self._build_sites.site, watch.shared(Loaded).has)

    def on_module_built(self, module: torch.nn.Module) -> None:
        """Remembers the line; it is written once the module is known to be part of a model."""
        self._build_sites.note(module)

    def on_optimizer_created(self, optimizer: Any) -> None:
        """Remembers the line that built it; it is written once it steps."""
        self._built.add(optimizer)
        if len(self._sites) < 1000:
            self._sites[id(optimizer)] = user_site(2)

    def on_group_added(self, optimizer: Any) -> None:
        """A group added later makes the optimizer's line stale."""
        self._written.clear()

    def on_training_found(self, training: TrainingLog, optimizer: Any) -> None:
        """An optimizer that steps is a training."""
        by_hand = isinstance(optimizer, ByHand)
        self._stepped_at[training.index] = optimizer.passed_at if by_hand else user_site(3)
        self._began[training.index] = self.watch.iteration
        self.watch.learn_names(optimizer)
        self._write_optimizer(training, optimizer)

    def on_root_found(self, module: torch.nn.Module) -> None:
        """Writes the module tree below a root and all its parameters."""
        watch, names = self.watch, self.watch.names
        prefix = names.prefix(module)
        sites: dict[Any, int] = {}
        at: dict[str, Any] = {}
        modules: list[list[Any]] = []
        for name, part in module.named_modules():
            if len(modules) >= MODULES_AT_MOST:
                break
            site = self._build_sites.site(part) or at.get(name.rpartition(".")[0])
            at[name] = site
            modules.append(
                [
                    names.module(part) or prefix + name,
                    type(part).__name__,
                    part.training,
                    None if site is None else sites.setdefault(site, len(sites)),
                    _module_settings(part),
                ]
            )
        watch.line(
            "model",
            root=names.module(module),
            prefix=prefix,
            cls=type(module).__name__,
            site=user_site(2),
            modules=modules,
            sites=list(sites),
            shared=[
                [kind, [prefix + name for name in found[:PLACES_AT_MOST]]]
                for kind, found in shared_places(module)[:SHARED_AT_MOST]
            ],
            parameters=[
                [
                    names.parameter(p) or prefix + name,
                    list(p.shape),
                    str(p.dtype).removeprefix("torch."),
                    p.requires_grad,
                ]
                for name, p in module.named_parameters()
                if _has_shape(p)
            ][:MODULES_AT_MOST],
        )

    def on_module_begin(self, module: torch.nn.Module) -> None:
        """Notes layers that are called and belong to no model."""
        if self._loose.wanted(len(self.watch.trainings)):
            self._loose.called(module)

    def on_backward_begin(self, roots: Any, kept: bool) -> None:
        """Looks for weights that belong to no model, in the first steps of each training."""
        number = len(self.watch.trainings)
        if self._loose.wanted(number):
            self._loose.look(number, roots)

    def on_gradients_ready(self, optimizer: Any) -> None:
        """Notes which parameters got no gradient, and which got one but no optimizer holds."""
        training = self.watch.training(optimizer)
        self.watch.learn_names(optimizer)
        self._write_optimizer(training, optimizer)
        held = {id(p) for group in optimizer.param_groups for p in group["params"]}
        self._optimized[training.index] = _reference(optimizer), held
        for root in self.watch.names.roots:
            for p in root.parameters():
                if not p.requires_grad and len(self._frozen) < FROZEN_AT_MOST:
                    self._frozen.setdefault(id(p), weakref.ref(p))
        missing, total = [], 0
        for index, group in enumerate(optimizer.param_groups):
            for p, name in zip(group["params"], parameter_names(self, group, index), strict=True):
                if p.requires_grad:
                    total += 1
                    if p.grad is None:
                        missing.append(name)
        if missing != self._missing.get(training.index, []):
            self._missing[training.index] = missing
            self.watch.event(
                "without_gradient", training, names=missing[:200], count=len(missing), of=total
            )
        self._outside(training)

    def _outside(self, training: TrainingLog) -> None:
        everything: set[int] = set()
        gone: set[int] = set()
        for alive, held in self._optimized.values():
            (gone if alive() is None else everything).update(held)
        for optimizer in self._built:  # one that has not stepped yet, such as a GAN's other player
            everything |= {id(p) for group in optimizer.param_groups for p in group["params"]}
        names = self.watch.names
        outside, elements, thawed, seen = [], 0, 0, set()
        tensors: list[torch.Tensor] = []
        loose, more, site = self._loose.found(everything)
        listed = self._loose.listed(names.roots)
        for root in names.roots:
            for name, p in root.named_parameters():
                trained = p.requires_grad and p.grad is not None
                if trained and id(p) not in everything and id(p) not in seen:
                    was_frozen = (ref := self._frozen.get(id(p))) is not None and ref() is p
                    if id(p) in gone and not was_frozen:
                        continue  # of an earlier training: whether it is to stay is not known
                    seen.add(id(p))
                    if id(p) in listed:
                        loose.append(f"{type(root).__name__}.{name}")
                        more.append(p.detach())
                        site = site or self._build_sites.site(root)
                        continue
                    outside.append(names.parameter(p) or names.prefix(root) + name)
                    elements += p.numel()
                    thawed += was_frozen
                    tensors.append(p.detach())
        tensors += more
        if tensors:
            # stays the same, unless something that is no optimizer moves them
            self.watch.put("outside_weight_norm", "", total(norms(tensors)))
        if outside != self._missing.get(-1, []):
            self._missing[-1] = outside
            self.watch.event(
                "outside_optimizer",
                training,
                names=outside[:200],
                count=len(outside),
                elements=elements,
                thawed=thawed,
            )

        if loose != self._missing.get(-2, []):
            self._missing[-2] = loose
            self.watch.event(
                "loose_parameters",
                training,
                names=loose,
                count=len(loose),
                elements=sum(p.numel() for p in more),
                by=site,
            )

    def _write_optimizer(self, training: TrainingLog, optimizer: Any) -> None:
        described: list[dict[str, Any]] = [
            {"params": parameter_names(self, group, index), "count": len(group["params"])}
            for index, group in enumerate(optimizer.param_groups)
        ]
        if self._written.get(training.index) == described:
            return
        self._written[training.index] = described
        self.watch.line(
            "optimizer",
            o=training.index,
            built=self.watch.optimizers.of(optimizer),
            cls="" if isinstance(optimizer, ByHand) else type(optimizer).__name__,
            site=self._sites.get(id(optimizer)),
            step_site=self._stepped_at.get(training.index),
            began=self._began.get(training.index),
            groups=[
                {
                    "names": entry["params"][:20_000],
                    "elements": sum(p.numel() for p in group["params"]),
                    **{key: plain(group[key]) for key in _SETTINGS if key in group},
                }
                for entry, group in zip(described, optimizer.param_groups, strict=True)
            ],
        )
