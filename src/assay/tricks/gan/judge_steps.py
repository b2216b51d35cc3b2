"""The trick `judge-steps`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import Trick, value
from .roles import Roles

if TYPE_CHECKING:
    from ..stage import Stage


class JudgeSteps(Trick):
    """Steps the judge of a GAN several times for each step of its generator.

    ## What it does
    Lets only each k-th step of the generator's optimizer through; the judge's optimizer steps as
    the script says, each time on a new batch.

    ## Formula
    k updates of the judge for one of the generator. Source: Goodfellow et al. 2014, "Generative
    Adversarial Nets", algorithm 1; k = 5 in Arjovsky, Chintala, Bottou 2017, "Wasserstein GAN".

    ## When
    The generator runs ahead: it makes nearly the same of every noise (`mode-collapse`). Critics of
    Wasserstein GANs, which should be near their best.

    ## Cost
    The generator's losses are computed as before, and those of the steps that are left out are for
    nothing. It takes k times fewer steps in the same run.

    ## Conflicts and order
    Refused where nothing judges what another network makes within 64 backward passes. The
    generator's gradients are those of the last batch if the script clears them before each backward
    pass, as it should.

    ## Common mistakes
    Stepping the judge k times on one batch: it then learns that batch by heart.
    """

    name = "judge-steps"
    family = "gan"
    steps: int = value(default=5, low=1, help="of the judge for one of the generator")

    def __post_init__(self) -> None:
        self._turns = 0

    def attach_to(self, stage: Stage) -> None:
        """Holds back the steps of the generator's optimizer that are not due."""
        roles = Roles(self.name, stage)

        def decide(optimizer: Any) -> bool:
            if roles.of(optimizer) != "maker":
                return True
            self._turns += 1
            return self._turns % self.steps == 0

        stage.hold_steps(decide)

    def state_dict(self) -> dict[str, Any]:
        """Returns how many turns the generator has had."""
        return {"turns": self._turns}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on counting."""
        self._turns = int(state["turns"])
