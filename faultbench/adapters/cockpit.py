"""Cockpit: instruments plotted for a person; its one sentence is that the loss is nan."""

from __future__ import annotations

import warnings
from typing import Any

from .base import Adapter, Step


class Cockpit(Adapter):
    """`Cockpit` with the `economy` configuration round each backward pass."""

    name = "cockpit"
    package = "cockpit-for-pytorch"
    requirements = ("cockpit-for-pytorch==1.0.2", "setuptools<81")  # it imports pkg_resources
    licence = "MIT"
    changed_lines = 9
    setup = (
        "`extend(model)` and `Cockpit(model.parameters(), quantities=configuration('economy'))` after the "
        "optimizer is made, `with cockpit(step, info={...})` round backward with individual losses of the "
        "same loss function; plots are for people and give no verdict, so only its warnings count"
    )
    rules = ((r"loss.*(nan|inf)|(nan|inf).*loss", "loss-not-finite weights-not-finite"),)
    cockpit: Any = None
    context: Any = None
    number = 0

    def attach(self, model: Any, optimizer: Any) -> None:
        """Extends the model and makes the cockpit."""
        from backpack import extend
        from cockpit import Cockpit as Instruments
        from cockpit.utils.configuration import configuration

        extend(model)
        self.optimizer = optimizer
        trained = [p for p in model.parameters() if p.requires_grad]
        self.cockpit = Instruments(trained, quantities=configuration("economy"))

    def before_backward(self, loss: Any) -> None:
        """Enters the cockpit."""
        if self.cockpit is None or self.context is not None or self.loss_call is None:
            return
        function, args, kwargs = self.loss_call
        individual = function(*args, **{**kwargs, "reduction": "none"})
        if individual.dim() > 1:
            individual = individual.flatten(1).mean(1)
        info = {
            "batch_size": len(args[0]),
            "individual_losses": individual,
            "loss": loss,
            "optimizer": self.optimizer,
        }
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.context = self.cockpit(self.number, info=info)
            self.context.__enter__()
        self.hear(caught)

    def before_step(self, step: Step) -> None:
        """Leaves it."""
        if self.context is None:
            return
        context, self.context = self.context, None
        self.number += 1
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            context.__exit__(None, None, None)
        self.hear(caught)

    def hear(self, caught: Any) -> None:
        """Notes its own warnings."""
        for one in caught:
            if "cockpit" in str(one.filename):
                self.say("warning", str(one.message))

    def finish(self, error: BaseException | None) -> None:
        """Keeps what it measured beside what it said.

        Raises:
            RuntimeError: The script has no loss function whose individual losses could be given.
        """
        if self.cockpit is not None and not self.number:
            raise RuntimeError("needs individual losses; this script writes its loss by hand")
        if self.cockpit is not None:
            (self.out / "cockpit.txt").write_text(str(self.cockpit.get_output())[:20000])
