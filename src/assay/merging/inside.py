"""What a merge asks of a user's own script: which units its model has, or its batch statistics."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch

from .errors import MergeError
from .sharded import open_checkpoint

if TYPE_CHECKING:
    from ..tricks.stage import Stage

BATCHES = 100
"""Of training, over which running statistics are averaged. More change little: the error of a mean
falls as one over the root of their number."""


class Inside:
    """Waits in a script for a model with the weights in question.

    Args:
        asked: `do` (`units` or `statistics`), `names` of the checkpoint's tensors, `answer` (a
            path); for statistics `checkpoint` and `key`, and `batches` if not the usual number.
        stage: To act through.
        stop: Ends the script, saying why.
    """

    def __init__(
        self, asked: Mapping[str, Any], stage: Stage, stop: Callable[[str], object]
    ) -> None:
        self._asked, self._stage, self._stop = asked, stage, stop
        self._names = set(asked["names"])
        self._model: torch.nn.Module | None = None
        self._seen = 0

    def attach(self) -> None:
        """Takes its place."""
        if self._asked["do"] == "units":
            self._stage.root_calls(self._units)
        else:
            self._stage.root_calls(self._load, self._count)
            self._stage.hold_steps(lambda optimizer: False, first=True)

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
            for module in _norms(model):
                module.reset_running_stats()
                module.momentum = None  # a plain mean over all batches
        return given

    def _count(self, result: Any, model: torch.nn.Module) -> Any:
        if model is not self._model or not model.training:
            return result
        self._seen += 1
        if self._seen < self._asked.get("batches", BATCHES):
            return result
        self.finish()
        return self._stop("merge: its statistics are known")

    def finish(self) -> None:
        """Writes the statistics, of as many batches as there were."""
        model, self._model = self._model, None
        if model is None or not self._seen:
            return
        weights = dict(model.named_parameters())
        if not all(torch.equal(p.detach(), self._kept(name).to(p)) for name, p in weights.items()):
            self._answer({"error": "changes its weights by itself: no optimizer of torch steps"})
            return
        state = model.state_dict()
        names = [name for name in state if name.endswith((".running_mean", ".running_var"))]
        path = f"{self._asked['answer']}.pt"
        torch.save({name: state[name].cpu() for name in names}, path)
        self._answer({"batches": self._seen, "path": path, "names": names})

    def _kept(self, name: str) -> torch.Tensor:
        if not hasattr(self, "_file"):
            self._file = open_checkpoint(self._asked["checkpoint"], self._asked.get("key"))
        try:
            return self._file.read(name)
        except KeyError:
            raise MergeError(f"{self._file.path} lacks {name}") from None

    def _answer(self, answer: Any) -> None:
        with open(self._asked["answer"], "w", encoding="utf-8") as file:
            json.dump(answer, file)


def _norms(model: torch.nn.Module) -> list[Any]:
    kind = torch.nn.modules.batchnorm._BatchNorm
    return [m for m in model.modules() if isinstance(m, kind) and m.track_running_stats]
