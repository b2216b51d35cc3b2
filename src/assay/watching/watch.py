"""What watches a process, put together: clock, facts, samples, probes."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from typing import Any

from ..journal.writer import Journal
from ..seams.events import verify_methods
from ..seams.hub import Hub
from ..seams.recording import is_shard
from .budget import Budget
from .by_hand import HandSteps
from .clock import Clock
from .context import ProbeContext
from .facts import Facts
from .phases import Phases
from .plan import OPENING, SamplePlan
from .probe import Probe
from .sampling import Sampling

SHARDED = "weights are shards of DTensors: arithmetic on them would send numbers between ranks"
THINNINGS_AT_MOST = 100
"""Lines of one run that say how samples are thinned out."""


class Watch:
    """Puts the parts together, and tells them of the beginning, of a fork and of the end.

    `facts` writes, `clock` knows where the training is, `sampling` listens in sampled iterations,
    which its `plan` chooses and its `budget` pays for. A probe sees a `ProbeContext` and no more.
    """

    name = "clock"
    """Under this name the watch itself is reported to fail, beside its probes."""

    def __init__(self, hub: Hub, journal: Journal, settings: dict[str, Any]) -> None:
        self.hub, self.journal = hub, journal
        self.facts = Facts(hub, journal, lambda: self.clock.iteration)
        budget = Budget(float(settings.get("budget") or 0.01))
        plan = SamplePlan(budget, int(settings.get("opening") or OPENING))
        self.sampling = Sampling(hub, self.facts.recorder, plan)
        self.clock = Clock(hub, journal, self.facts, self.sampling, settings)
        self.phases = Phases(hub, self.clock, self.sampling)
        plan.on_thinned = self._on_thinned
        self.by_hand = HandSteps(hub, self.clock, self.facts, self.sampling)
        self.probes: list[Probe] = []
        self._thinnings = 0
        self._shared: dict[type[Probe], Probe] = {}

    def attach(self, kinds: Iterable[type[Probe]]) -> None:
        """Makes the probes, and connects the clock first, then them, then the end of the step."""
        self.by_hand.attach()
        self.clock.attach(self.phases)
        self.phases.attach()
        hub, sampling = self.hub, self.sampling
        sampling.add_early("loss", self.clock.on_loss)
        sampling.add_early("root_begin", self._on_root_begin)
        hub.on("process_group", self._on_process_group)
        hub.on("mesh", self._on_mesh)
        hub.on("optimizer_created", self._on_optimizer)
        hub.on("group_added", self._on_optimizer)
        hub.on("transform", self._on_transform)
        hub.on("compile", self._on_compile)
        made = [self._make(kind) for kind in kinds]
        self.probes = [*self._shared.values(), *made]
        for probe in self.probes:
            for event in probe.always:
                hub.on(event, getattr(probe, f"on_{event}"))
            sampling.add(probe)
        self.clock.attach_last()
        sampling.begin()

    def _make(self, kind: type[Probe]) -> Probe:
        verify_methods(kind)
        return kind(ProbeContext(self.hub, self.clock, self.facts, self.sampling, self._share))

    def _share(self, kind: type[Probe]) -> Probe:
        """Returns the one probe of a kind that others use; made when the first one asks."""
        if kind not in self._shared:
            self._shared[kind] = self._make(kind)
        return self._shared[kind]

    # -- what seams announce ----------------------------------------------------------------------

    def _on_compile(self, target: Any) -> None:
        self.sampling.on_compile(target)
        for probe in ("activations", "batches", "losses"):  # where they find nothing at all
            self.facts.skip(probe, "compiled: calls inside torch.compile can't be watched")

    def _on_root_begin(self, module: Any, args: Any, kwargs: Any) -> None:
        clock, sampling = self.clock, self.sampling
        if clock.stepped:
            clock.next_iteration()
        if not sampling.active or next(module.parameters(), None) is None:
            return  # a loss or an augmentation is no model
        if self._look_for_shards(module.parameters()):
            return
        if not clock.in_closure:
            sampling.suspend_if_long()
        if sampling.active:
            self.phases.look_at_modes(module)
            for root in self.facts.names.add_root(module):
                self.hub.emit("root_found", root)

    def _on_optimizer(self, optimizer: Any) -> None:
        self._look_for_shards(p for group in optimizer.param_groups for p in group["params"])

    def _look_for_shards(self, parameters: Iterable[Any]) -> bool:
        """Ends sampling where weights are shards: arithmetic on one sends numbers between ranks.

        A rank that measured would wait for the others, which may not measure at that time.
        """
        sharded = not self.sampling.ended and any(map(is_shard, parameters))
        if sharded:
            for name in self.sampling.end():
                self.facts.skip(name, SHARDED)
        return sharded

    def _on_process_group(self, rank: int, world: int, backend: str) -> None:
        local = os.environ.get("LOCAL_RANK") or os.environ.get("SLURM_LOCALID")
        self.journal.put(
            "process_group",
            rank=rank,
            world=world,
            backend=str(backend),
            local_rank=int(local) if local and local.isdecimal() else None,
            node=platform.node(),
            meeting=_meeting(),
            time=time.time(),
        )

    def _on_mesh(self, shape: tuple[int, ...], names: tuple[str, ...] | None) -> None:
        self.journal.put("mesh", shape=list(shape), names=None if names is None else list(names))

    def _on_transform(self, name: str) -> None:
        if not self.clock.stepped and not self.facts.trainings:
            self.clock.open()
        self.facts.skip("torch.func", f"gradients taken by torch.func.{name} can't be watched")

    def _on_thinned(self, iteration: int, gap: int) -> None:
        if self._thinnings < THINNINGS_AT_MOST:
            self._thinnings += 1
            self.journal.put("thinned", i=iteration, gap=gap)

    # -- a fork, and the end ----------------------------------------------------------------------

    def forked(self) -> None:
        """Forgets, in a forked child, all that its parent did."""
        self.facts.forget()
        self.clock.forget()
        self.phases.forget()
        self.by_hand.forked()
        self.sampling.forget()

    def finish(self) -> None:
        """Writes what is held: the process ends."""
        self.by_hand.finish()
        for probe in self.probes:
            try:
                probe.finish()
            except Exception as error:
                self.hub.contain(f"{probe.name} at the end", error, by=probe.name)
        trainings, sampling = self.facts.trainings, self.sampling
        under_way = sampling.active or sampling.suspended
        if trainings and not self.clock.stepped:
            # the iteration that never reached its step is the one that tells of a crash
            sampling.close(trainings[-1])
        for training in trainings:
            training.write()
        self.facts.recorder.flush_arrived(wait=True)
        plan, budget = sampling.plan, sampling.budget
        self.journal.put(
            "cost",
            samples=plan.taken + under_way,
            last=self.clock.iteration if under_way else plan.last,
            own_s=round(budget.spent_s, 6),
            opening_s=round(budget.opening_s, 6),
            iterations=self.clock.iteration + 1,
            pid=os.getpid(),
        )


def _meeting() -> str:
    """Returns where the processes of a group meet, as their launcher has told them; else ""."""
    address, port = os.environ.get("MASTER_ADDR"), os.environ.get("MASTER_PORT")
    return f"{address}:{port}" if address and port else ""
