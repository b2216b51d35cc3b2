"""What a merge asks of a user's own script: which units its model has, or its batch statistics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import torch

from .fisher import Fisher
from .sharded import open_checkpoint

BATCHES = 100
"""Of training, over which running statistics are averaged. More change little: the error of a mean
falls as one over the root of their number."""


class Inside:
    """Waits in a script for a model with the weights in question.

    Args:
        asked: `do` (`units`, `statistics` or `fisher`), `answer` (a path), and `names` of the
            tensors, or `checkpoint` (with `key`) whose weights the model is given; for `fisher`
            also `samples`, `labels` (`sampled` or `given`) and `output`.
        stage: A trick's `Stage`, to act through.
        stop: Ends the script, saying why.
    """

    def __init__(self, asked: Mapping[str, Any], stage: Any, stop: Callable[[str], object]) -> None:
        self._asked, self._stage, self._stop = asked, stage, stop
        path = asked.get("checkpoint")
        self._model: torch.nn.Module | None = None
        self._seen = 0
        self._file = open_checkpoint(path, asked.get("key")) if path else None
        self._names = set(asked["names"] if self._file is None else self._file.entries)
        self._fisher: Fisher | None = None

    def attach(self) -> None:
        """Takes its place."""
        if self._asked["do"] == "units":
            self._stage.root_calls(self._units)
            return
        self._stage.hold_steps(lambda optimizer: False, first=True)
        if self._asked["do"] == "statistics":
            self._stage.root_calls(self._load, self._count)
        else:
            self._stage.root_calls(self._load)
            self._stage.change("loss_result", self._loss)

    def _is_it(self, model: torch.nn.Module) -> bool:
        return set(model.state_dict(keep_vars=True)) == self._names

    def _units(self, given: Any, model: torch.nn.Module) -> Any:
        if not self._is_it(model):
            return given
        from .units.tracing import trace

        args, kwargs = given
        self._answer(trace(model, lambda: model(*args, **kwargs)))
        return self._stop("merge: its units are known")

    def _load(self, given: Any, model: torch.nn.Module) -> Any:
        if self._model is None and self._is_it(model):
            self._model = model
            with torch.no_grad():
                for name, tensor in model.state_dict(keep_vars=True).items():
                    tensor.copy_(self._kept(name))
            if self._asked["do"] == "statistics":
                for module in _norms(model):
                    module.reset_running_stats()
                    module.momentum = None  # a plain mean over all batches
            else:
                self._fisher = Fisher(model, self._asked["labels"] == "sampled")
        if self._fisher is not None and model is self._model:
            self._fisher.call = given
        return given

    def _loss(self, result: Any, name: str, args: Any, kwargs: Any) -> Any:
        if self._fisher is None or not torch.is_grad_enabled():
            return result
        target = args[1] if len(args) > 1 else kwargs.get("target")
        own = args[0] if args else kwargs["input"]
        with self._stage.hub.changes.switches["root"].aside():
            self._fisher.take(name, own, target, self._asked["samples"])
        if self._fisher.samples < self._asked["samples"]:
            return result
        self.finish()
        return self._stop("fisher: it is known")

    def _count(self, result: Any, model: torch.nn.Module) -> Any:
        if model is not self._model or not model.training:
            return result
        self._seen += 1
        if self._seen < self._asked.get("batches", BATCHES):
            return result
        self.finish()
        return self._stop("merge: its statistics are known")

    def finish(self) -> None:
        """Writes what is known by now: of as many batches or samples as there were."""
        model, self._model = self._model, None
        seen = self._seen if self._fisher is None else self._fisher.samples
        if model is None or not seen:
            return
        for name, p in model.named_parameters():
            if not torch.equal(p.detach(), self._kept(name).to(p)):
                self._answer(
                    {"error": "changes its weights by itself: no optimizer of torch steps"}
                )
                return
        if self._fisher is not None:
            self._fisher.write(self._asked["output"])
            self._answer({"samples": seen})
            return
        state = model.state_dict()
        names = [name for name in state if name.endswith((".running_mean", ".running_var"))]
        path = f"{self._asked['answer']}.pt"
        torch.save({name: state[name].cpu() for name in names}, path)
        self._answer({"batches": self._seen, "path": path, "names": names})

    def _kept(self, name: str) -> torch.Tensor:
        assert self._file is not None
        return self._file.read(name)

    def _answer(self, answer: Any) -> None:
        with open(self._asked["answer"], "w", encoding="utf-8") as file:
            json.dump(answer, file)


def _norms(model: torch.nn.Module) -> list[Any]:
    kind = torch.nn.modules.batchnorm._BatchNorm
    return [m for m in model.modules() if isinstance(m, kind) and m.track_running_stats]
