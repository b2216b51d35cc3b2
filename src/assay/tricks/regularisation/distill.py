"""The trick `distill`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...merging.errors import MergeError
from ..base import Trick, option, value

if TYPE_CHECKING:
    from torch import Tensor

    from ..stage import Stage

LOSSES = ("cross_entropy", "nll_loss")
"""Log-probabilities are logits as good as any: a softmax does not see what is added to all."""


class Distill(Trick):
    """Trains towards the answers of a teacher as well as towards the labels.

    ## What it does
    The teacher is the script's own model with the weights of a checkpoint, in evaluation mode. It
    is asked about each training batch, and what the student has as loss is mixed with how far its
    softened answers are from the teacher's. Losses of evaluations stay as they are.

    ## Formula
    `(1 - weight) * L + weight * T^2 * KL(softmax(t / T) || softmax(s / T))`, the mean over samples
    (of sequences over tokens, without those of `ignore_index`). The factor T^2 keeps the size of
    the gradient, which falls as 1 / T^2. Source: Hinton, Vinyals, Dean 2015, "Distilling the
    Knowledge in a Neural Network", section 2.

    ## When
    A better or larger training of the same model is at hand: an average of several
    (`assay merge`), a longer run, one with more data. A model of the same kind that learns from its
    own kind gains too (Furlanello et al. 2018, "Born-Again Neural Networks").

    ## Cost
    A forward pass of the teacher for each batch, and its weights in memory.

    ## Conflicts and order
    The teacher is the model as the script builds it, before other tricks change it, and sees the
    batch as they change it. Refused where the checkpoint does not fit the model: a teacher of
    another architecture needs code of its own.

    ## Common mistakes
    `reduction="mean"` of `kl_div` divides by classes too, K times too little. Without T^2 the
    teacher hardly counts at a high temperature. A teacher in training mode, or with gradients.
    """

    name = "distill"
    family = "regularisation"
    changes_loss = "training"
    by_hand = "load the teacher, ask it without gradients, and add the divergence to the loss"
    checkpoint: str = value(help="the teacher's weights: a file or folder as `assay merge` reads")
    temperature: float = option(default=4.0, low=0, open_low=True, help="T, that softens answers")
    weight: float = option(default=0.9, low=0, high=1, help="of the teacher, 0 to 1")
    key: str = option(default="", help="where the file has its weights, if it holds more")

    def attach_to(self, stage: Stage) -> None:
        """Makes a teacher of each model, asks it before each call, and adds to the loss."""
        import torch

        teachers: dict[int, Any] = {}
        asked: list[Tensor] = []
        unfit = "no loss over classes was computed before the first step"
        acted = False

        def teach(model: Any) -> None:
            nonlocal unfit
            try:
                teachers[id(model)] = self._teacher(stage, model)
            except MergeError as error:  # another one of the script's models may fit
                unfit = str(error)

        def call(given: Any, module: Any) -> Any:
            from ..wrappers import bare

            teacher = teachers.get(id(bare(module)))
            if teacher is not None and torch.is_grad_enabled():
                asked.clear()
                args, kwargs = given
                with stage.hub.changes.switches["root"].aside(), torch.no_grad():
                    answer = teacher(*args, **kwargs)
                if isinstance(answer, torch.Tensor):
                    asked.append(answer)
            return given

        def loss(result: Any, name: str, args: Any, kwargs: Any) -> Any:
            nonlocal acted
            if name not in LOSSES or not torch.is_grad_enabled() or not asked:
                return result
            acted = True
            own = args[0] if args else kwargs["input"]
            if own.numel() != asked[0].numel() or result.dim():
                stage.refuse(self.name, "the loss is no mean over answers of the model's shape")
            target = args[1] if len(args) > 1 else kwargs["target"]
            ignored = kwargs.get("ignore_index", args[4] if len(args) > 4 else -100)
            soft = self.apart(own, asked[0].reshape(own.shape), target, ignored)
            return (1 - self.weight) * result + self.weight * soft

        def stepped(optimizer: Any) -> None:
            if stage.meant(optimizer) and not acted:
                stage.refuse(self.name, unfit)

        stage.on("step_end", stepped)
        stage.each_model(teach, first=True)
        stage.root_calls(call)
        stage.change("loss_result", loss)

    def apart(self, own: Tensor, other: Tensor, target: Tensor, ignored: int) -> Tensor:
        """Returns the divergence of softened answers, the mean over samples, times T^2.

        Args:
            own: Logits of the student, [samples, classes, ...].
            other: Of the teacher.
            target: Labels, where samples of the class `ignored` count nothing, or probabilities.
            ignored: That class.
        """
        import torch

        student, teacher = (
            (logits / self.temperature).log_softmax(1).movedim(1, -1).flatten(0, -2)
            for logits in (own, other)
        )
        if not target.is_floating_point() and target.numel() == len(student):
            counts = target.reshape(-1) != ignored
            student, teacher = student[counts], teacher[counts]
        # torch's own below `functional.kl_div`, which the script's losses are heard by; 2: the sum
        total = torch.kl_div(student, teacher, 2, log_target=True)
        return total / max(len(student), 1) * self.temperature**2

    def _teacher(self, stage: Stage, model: Any) -> Any:
        import copy

        import torch

        from ...merging.sharded import open_checkpoint

        try:
            file = open_checkpoint(self.checkpoint, self.key or None)
        except MergeError as error:
            stage.refuse(self.name, str(error))
        teacher = copy.deepcopy(model).requires_grad_(False).eval()
        with torch.no_grad():
            for name, tensor in teacher.state_dict(keep_vars=True).items():
                if name not in file.entries or file.entries[name].shape != tensor.shape:
                    raise MergeError(f"{name} of the model is not that of {self.checkpoint}")
                tensor.copy_(file.read(name))
        return teacher
