"""The check `checkpoint-partly-loaded`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...journal.events import LOAD_STATE, MODEL, LoadState
from ...journal.view import Event, RunView
from ..base import Check
from ..finding import Evidence, Finding, Where

WRAPPERS = frozenset({"DataParallel", "DistributedDataParallel", "OptimizedModule"})
"""What only stands around a model is no model of its own."""


class CheckpointPartlyLoaded(Check):
    """Weights were loaded into a model, and nothing came of it, or less than would have fitted.

    ## What it does
    At each `load_state_dict` of a module, assay compares the names and shapes of what is given with
    those of the module, as they are and with a prefix taken off, put before, or replaced.

    ## Why it matters
    With `strict=False`, or with a dictionary that was filtered by names, torch says nothing. The
    model trains on from random weights, only more slowly and to a worse end.

    ## Evidence
    Exact. An error if another prefix would make more tensors fit than did. A warning if no tensor
    fitted at all, or if what was loaded are the module's own tensors: the copy of its own state
    that should have been updated was not, or the state that was kept of the best epoch is no copy.

    ## Known exceptions
    Silent: a backbone with a new head (what is missing is new, and what is there fits), parts of a
    checkpoint, modules that translate old names themselves, a load that is repeated with better
    names, one that ended the run, and modules that are never called.

    ## Example
    The checkpoint of a model in `DataParallel` has names such as `module.conv.weight`;
    `model.load_state_dict(state, strict=False)` loads nothing of it. `best = model.state_dict()`
    holds the weights themselves: loaded after training it brings back the last ones.

    ## What to try
    Rename the keys. Look at `missing_keys` and `unexpected_keys` of what `load_state_dict` returns.

    ## References
    PyTorch documentation, `torch.nn.Module.load_state_dict`.
    """

    name = "checkpoint-partly-loaded"
    family = "model"
    severity = "error"
    tier = "exact"
    by_hand = "which key was meant for which parameter can't be known"
    needs = ("model",)
    reads = ("model", "load_state")

    def review(self, run: RunView) -> Iterator[Finding]:
        used = {e.data["cls"] for e in run.events(MODEL)} | {m.kind for m in run.modules}
        loads = [
            event
            for event in run.events(LOAD_STATE)
            if event.data.get("kind") == "module" and event.data["owner"] in used | WRAPPERS
        ]
        for place, event in enumerate(loads):
            later = [other for other in loads[place + 1 :] if _same_owner(event, other)]
            if not any(other.data["matched"] > event.data["matched"] for other in later):
                yield from self._judge(run, event, later)

    def _judge(
        self, run: RunView, event: Event[LoadState], later: Sequence[Event[LoadState]]
    ) -> Iterator[Finding]:
        data = event.data
        matched, given, keys = data["matched"], data["given"], data["keys"]
        who = data.get("module") or data["owner"]
        if "failed" in data:
            if run.facts.get("exit_code") or later:
                return  # it ended the run, or was tried again
        elif not data["unexpected"]:  # torch itself knows of nothing left over
            if matched and data.get("own") == matched == keys and not (event.step and later):
                yield self._own(event, f"all {matched} tensors that {who} was to load are its own")
            return
        prefix, fits = data["prefix"], data["prefix_matched"]
        if matched == keys or not given:
            return
        caught = "; the error that this raised was caught" if "failed" in data else ""
        if prefix is not None:
            mend = _mend(prefix)
            yield self._found(
                event,
                f"{matched} of {given} given tensors fitted {who}, which has {keys}; with {mend} "
                f"it would have been {fits}{caught}",
                (f"load with {mend}",),
                "error",
            )
        elif not matched:
            yield self._found(
                event,
                f"none of {given} given tensors fitted {who}, which has {keys}{caught}",
                ("compare the names and shapes in the checkpoint with model.state_dict()",),
                "warning",
            )

    def _own(self, event: Event[LoadState], said: str) -> Finding:
        """Tells of a load that changed nothing, since a state holds the tensors themselves."""
        if not event.step:
            return self._found(
                event,
                f"{said}: none of them comes from a checkpoint",
                ("look which names of the checkpoint are in model.state_dict()",),
                "warning",
            )
        return self._found(
            event,
            f"{said}, as they were after {event.step} steps: nothing was brought back",
            ("keep a copy: copy.deepcopy(model.state_dict()), whose tensors training changes on",),
            "warning",
        )

    def _found(
        self, event: Event[LoadState], summary: str, try_: tuple[str, ...], severity: str
    ) -> Finding:
        return self.found(
            summary,
            "the model goes on from the weights that it had, and nothing says so",
            try_=(
                *try_,
                "look at missing_keys and unexpected_keys of what load_state_dict returns",
            ),
            where=Where(site=event.site, module=event.data.get("module")),
            steps=(event.step, event.step),
            evidence=(
                Evidence("load_state", event.data["matched"], event.data["given"], "tensors"),
            ),
            severity="error" if severity == "error" else "warning",
            process=event.process,
        )


def _same_owner(one: Event[LoadState], other: Event[LoadState]) -> bool:
    return (one.process, one.data["owner"]) == (other.process, other.data["owner"])


def _mend(prefix: str) -> str:
    """Returns what has to be done to the names of a checkpoint, in words."""
    if prefix.startswith("+"):
        return f"`{prefix[1:]}` put before their names"
    old, _, new = prefix.partition(">")
    return f"`{new}` for `{old}` in their names" if new else f"`{old}` taken off their names"
