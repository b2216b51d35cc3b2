"""The trick `ignore-index`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value

if TYPE_CHECKING:
    from ..stage import Stage


class IgnoreIndex(Trick):
    """Leaves targets of one value, such as padding, out of the loss.

    ## What it does
    Sets `ignore_index` of every cross-entropy and negative log-likelihood that does not set its
    own. The mean is then taken over the other targets only.

    ## Formula
    `mean over {i : y_i != value} of -log p(y_i)`. Source: the PyTorch documentation of
    `CrossEntropyLoss`.

    ## When
    Sequences are padded and the padding label is trained on as if it were a word.

    ## Cost
    None.

    ## Conflicts and order
    Before `accumulate`, which counts the targets that are left. Not with `mixup` or `cutmix`,
    whose targets are shares of classes.

    ## Common mistakes
    A batch of nothing but padding has no targets: its mean is NaN. `skip-non-finite` leaves it out.
    """

    name = "ignore-index"
    family = "data"
    changes_loss = "training and evaluation"
    changes_answers = True
    index: int = value(help="target value to leave out")
    conflicts = ("mixup", "cutmix")

    def attach_to(self, stage: Stage) -> None:
        """Adds the argument before the loss is computed."""

        def ignore(given: Any, name: str) -> Any:
            args, kwargs = given
            own = "ignore_index" in kwargs and kwargs["ignore_index"] != -100
            if name not in ("cross_entropy", "nll_loss") or own or len(args) > 4:
                return given
            target = args[1] if len(args) > 1 else kwargs.get("target")
            if target is not None and target.is_floating_point():
                return given  # shares of classes: there is no index to ignore
            return args, {**kwargs, "ignore_index": self.index}

        stage.change("loss", ignore)
