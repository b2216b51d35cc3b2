"""Assembles the child's side: journal, seams, probes, tricks."""

from __future__ import annotations

import atexit
import json
import os
import platform
import sys
import time
import traceback
from multiprocessing import util
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from .forensics.trace import Trace
    from .merging.inside import Inside
    from .tricks.handle import Handle
    from .tricks.rate.sweep import Sweep

_current: Session | None = None
_registered = False


class Session:
    """One watched process, from `begin` to `end`."""

    def __init__(self, folder: str) -> None:
        import torch

        from . import seams
        from .journal.writer import Journal
        from .probes.catalogue import IN_TRIALS, PROBES
        from .seams.hub import set_running
        from .watching.watch import Watch

        self.folder = folder
        try:
            with open(os.path.join(folder, "settings.json"), encoding="utf-8") as file:
                settings: dict[str, Any] = json.load(file)
        except (OSError, ValueError):
            settings = {}
        self.journal = Journal(folder)
        self.hub = seams.Hub(self._error)
        self.watch = Watch(self.hub, self.journal, settings)
        self.journal.put(
            "begin",
            pid=os.getpid(),
            rank=int(os.environ.get("RANK") or 0),
            world=int(os.environ.get("WORLD_SIZE") or 1),
            time=time.time(),
            t=time.monotonic(),
            torch=torch.__version__,
            python=platform.python_version(),
            argv=sys.argv,
            device=torch.cuda.get_device_name() if torch.cuda._initialized else "cpu",
            threads=torch.get_num_threads(),
        )
        self.patches = seams.install(self.hub)
        self._set_running = set_running
        set_running(self.hub)
        if settings.get("seed_offset") is not None:
            seams.seeds.pair(self.hub, self.patches, int(settings["seed_offset"]))
        self.tricks: Handle | None = None
        if settings.get("tricks") or settings.get("sweep"):
            self.tricks = self._apply(settings)
        probes = PROBES
        if settings.get("comparable"):
            from .ladder.ending import Ending

            probes = (*PROBES, *IN_TRIALS, Ending)
        if settings.get("ladder"):
            from .ladder.climbing import PROBES as LADDER

            probes = LADDER
        if settings.get("keep_files"):
            from .seams import files

            files.keep(folder, self.patches)
        self._inside = self._merge(settings["merge"]) if settings.get("merge") else None
        if self._inside is not None:
            probes = ()
        sweep = self._sweep(settings["sweep"]) if settings.get("sweep") else None
        asked = settings.get("trace")
        self.watch.attach(probes if not asked else ())
        self.trace = self._trace(asked) if asked else None
        if sweep is not None:  # heard last: the step that ends it is in the record
            self.hub.on("step_end", sweep.stepped)
            self.hub.on("step_skipped", sweep.skipped)

    def _apply(self, settings: dict[str, Any]) -> Handle:
        """Puts the tricks that were asked for in place; loaded only then, to start fast."""
        from .tricks.base import TrickError
        from .tricks.handle import put_in_place
        from .tricks.reading import read_all

        try:
            return put_in_place(
                read_all(settings.get("tricks") or ()),
                self.hub,
                None,
                note=lambda kind, **facts: self.journal.put("trick", of=kind, data=facts),
                # a trial knows from its control how long a run that nobody stops will be
                steps=settings.get("length") or settings.get("steps"),
                refused=self._refuse,
            )
        except TrickError as error:
            self._refuse(str(error))

    def _sweep(self, asked: dict[str, Any]) -> Sweep:
        """Sets the rates of a range test, after all tricks have changed them."""
        from .tricks.rate.sweep import Sweep
        from .tricks.stage import Stage
        from .watching.stopping import is_alone

        sweep = Sweep(
            asked,
            loss=lambda: self.watch.clock.loss,
            note=lambda **facts: self.watch.facts.event("sweep", **facts),
            stop=self.watch.clock.stop,
            alone=is_alone,
        )
        stage = Stage(self.hub)
        sweep.attach_to(stage)
        assert self.tricks is not None
        self.tricks.stages.append(stage)
        return sweep

    def _merge(self, asked: dict[str, Any]) -> Inside:
        """Learns of the script's model what `assay merge` asks."""
        from .merging.inside import Inside
        from .tricks.stage import Stage

        stage = Stage(self.hub)
        self.patches.on_undo(stage.leave)
        inside = Inside(asked, stage, self.watch.clock.stop)
        inside.attach()
        return inside

    def _trace(self, asked: dict[str, Any]) -> Trace:
        """Traces one step: nothing else is looked at in this run."""
        from .forensics.trace import Trace

        return Trace(asked, self.hub, self.watch.facts, self.watch.clock)

    def end(self) -> None:
        """Takes tricks and seams away and closes the journal."""
        if self._inside is not None:
            self._inside.finish()
        if self.tricks is not None:
            self.tricks.detach()
        self.patches.undo()
        self._set_running(None)
        with self.hub.silence():
            if self.trace is not None:
                self.trace.finish()
            self.watch.finish()
        self.hub.close()
        self.journal.put("end", time=time.time())
        self.journal.close()

    def _refuse(self, line: str) -> NoReturn:
        """Ends the run: a trick can't do its work, and without it nothing would be proved."""
        line = " ".join(line.split())
        self.journal.put("stop", why=f"refused: {line}")
        sys.stderr.write(f"assay: {line}\n")
        sys.stderr.flush()

        def again(*facts: Any) -> None:
            raise SystemExit(2)  # the script may have caught the first one

        self.hub.on("backward_begin", again, first=True, acting=True)
        raise SystemExit(2)

    def forked(self) -> None:
        """Begins a new journal in a forked child, written only if that trains too."""
        self.journal.forget()
        self.hub.forked()
        self.watch.forked()
        self.journal.put(
            "begin",
            pid=os.getpid(),
            rank=int(os.environ.get("RANK") or 0),
            world=int(os.environ.get("WORLD_SIZE") or 1),
            time=time.time(),
            t=time.monotonic(),
            argv=sys.argv,
            forked=True,
        )

    def _error(self, where: str, error: BaseException, by: str) -> None:
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        self.journal.put(
            "error",
            where=where,
            by=by,
            error=f"{type(error).__name__}: {error}"[:500],
            trace="".join(lines)[-2000:],
        )


def begin(folder: str) -> Session | None:
    """Starts to watch this process; None if it is watched already.

    Args:
        folder: the run folder, which exists.
    """
    global _current, _registered
    if _current is not None or _watched_by_another():
        return None
    _current = Session(folder)
    if not _registered:  # a notebook begins and ends many times in one process
        _registered = True
        atexit.register(end)
        os.register_at_fork(after_in_child=_after_fork)
    # children of multiprocessing leave by os._exit, past atexit, but run its finalizers
    util.Finalize(None, end, exitpriority=-100)
    util.register_after_fork(_current, lambda _: util.Finalize(None, end, exitpriority=-100))
    return _current


def _watched_by_another() -> bool:
    """Whether this package is loaded a second time, by the bootstrap, and that one watches."""
    for name in ("assay.session", "_assay.session"):
        module = sys.modules.get(name)
        if module is not None and name != __name__ and module.current() is not None:
            return True
    return False


def end() -> None:
    """Ends the watch; does nothing when there is none."""
    global _current
    session, _current = _current, None
    if session is not None:
        session.end()


def current() -> Session | None:
    """Returns the session of this process."""
    return _current


def _after_fork() -> None:
    if _current is not None:
        _current.forked()
