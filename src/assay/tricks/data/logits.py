"""The trick `logits`."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from ..base import Trick

if TYPE_CHECKING:
    from ..stage import Stage

REMEMBERED = 16


class Logits(Trick):
    """Gives a loss the logits where the script gives it their softmax or sigmoid.

    ## What it does
    Remembers what each softmax and sigmoid was computed from. Where the very result is handed to
    `cross_entropy` (softmax) or `binary_cross_entropy_with_logits` (sigmoid), which both expect
    logits, its input is handed over instead. The same numbers, to the last bit, as deleting the
    softmax from the model.

    ## Formula
    `cross_entropy(softmax(z), y) -> cross_entropy(z, y)`. Source: the PyTorch documentation of
    `CrossEntropyLoss` ("the input is expected to contain the unnormalized logits").

    ## When
    The check `softmax-before-cross-entropy` has found probabilities where logits belong.

    ## Cost
    None to speak of.

    ## Conflicts and order
    Before all other tricks on the loss. It also acts where the script evaluates. A softmax inside a
    model that `torch.compile` has compiled is not seen; the trick then does nothing.

    ## Common mistakes
    Taking the logarithm of the probabilities instead: right on paper, but infinite where the
    softmax has underflowed to 0.
    """

    name = "logits"
    family = "data"
    changes_loss = "training and evaluation"

    def attach_to(self, stage: Stage) -> None:
        """Remembers inputs of squashing functions; exchanges at the loss."""
        import torch
        import torch.nn.functional as F

        # by identity of the result, as long as it lives: logits hold the memory of a whole pass
        made: dict[str, dict[int, tuple[weakref.ref[Any], Any]]] = {
            "cross_entropy": {},
            "binary_cross_entropy_with_logits": {},
        }

        def remembering(loss: str) -> Any:
            def make(original: Any) -> Any:
                def squash(*args: Any, **kwargs: Any) -> Any:
                    result = original(*args, **kwargs)
                    source = args[0] if args else kwargs.get("input")
                    if isinstance(result, torch.Tensor):
                        key, known = id(result), made[loss]
                        known[key] = weakref.ref(result, lambda _: known.pop(key, None)), source
                        if len(known) > REMEMBERED:
                            del known[next(iter(known))]
                    return result

                return squash

            return make

        nothing: tuple[Any, Any] = None, None

        def of(name: str, source: Any) -> Any:
            """Returns what the source was squashed from; None if it was not."""
            result, logits = made[name].get(id(source), nothing)
            if result is not None and result() is source:
                return logits
            base = getattr(source, "_base", None)
            if base is None or name == "cross_entropy":  # whose rows another shape may tear apart
                return None
            result, logits = made[name].get(id(base), nothing)
            if result is None or result() is not base or logits.stride() != base.stride():
                return None
            begin = logits.storage_offset() + source.storage_offset() - base.storage_offset()
            return logits.as_strided(source.size(), source.stride(), begin)

        def exchange(given: Any, name: str) -> Any:
            args, kwargs = given
            if name not in made:
                return given
            source = args[0] if args else kwargs.get("input")
            logits = of(name, source)
            if logits is None:
                return given
            if args:
                return (logits, *args[1:]), kwargs
            return args, {**kwargs, "input": logits}

        for owner in (F, torch, torch.Tensor):
            stage.patches.wrap(owner, "softmax", remembering("cross_entropy"))
            stage.patches.wrap(owner, "sigmoid", remembering("binary_cross_entropy_with_logits"))
        stage.change("loss", exchange)
