"""The trick `schedule`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..base import TrickError, option, value
from .curves import CURVES, PLATEAU, Plateau
from .effective import Rate
from .readings import Readings
from .trick import RateTrick

if TYPE_CHECKING:
    from ..stage import Stage


class Schedule(RateTrick):
    """Moves the learning rate along a curve over the run.

    ## What it does
    Each step is taken with the rate that the script began with times a factor from 0 to 1. The
    script's own scheduler is left out of account (`mode=replace`) or multiplied in
    (`mode=multiply`). A warm-up given beside it comes first; the curve fills the steps after it.
    Which options a curve takes: `assay tricks schedule`; how it looks:
    `assay tricks schedule=cosine,total=1000 --plot`.

    ## Formula
    With s = t / total: cosine `end + (1 - end)(1 + cos(pi s)) / 2`, cosine-restarts the same anew
    each period (Loshchilov and Hutter 2017, "SGDR"); one-cycle up, then down (Smith and Topin 2018,
    "Super-Convergence"); cyclic, a triangle (Smith 2017, "Cyclical Learning Rates");
    inverse-sqrt `(1 + t / timescale)^-1/2` (Vaswani et al. 2017); warmup-stable-decay (Hu et al.
    2024, "MiniCPM"; Hägele et al. 2024); polynomial `(1 - s)^power`; step and multi-step `gamma^n`
    after n drops; exponential `gamma^t`; inverse-time `1 / (1 + slope t)`; plateau: times gamma
    when the mean loss of `every` steps (`watch=train`) or of an evaluation (`watch=eval`) has not
    improved more than `patience` times.

    ## When
    The loss is noisy at the end of a run with a constant rate; a fixed number of steps is to be
    used as well as possible.

    ## Cost
    A few arithmetic operations per group and step; plateau adds up losses on their device and
    reads the sum once per `every` steps.

    ## Conflicts and order
    After `lr`, before `warmup`. Curves that need `total` take it from `--steps` where it is not
    given. The one-cycle leaves betas and momentum alone.

    ## Common mistakes
    Past its end torch's cosine and one-cycle rise again; here the rate stays. A recursive
    `lr / (1 + k t)` falls like a factorial. torch's plateau takes worse for better where the metric
    is negative, and a NaN for a bad reading.
    """

    name = "schedule"
    family = "rate"
    curve: str = value(choices=(*CURVES, "plateau"), help="the curve")
    total: int | None = option(default=None, low=1, help="steps of the whole run, warm-up included")
    mode: str = option(default="replace", choices=("replace", "multiply"), help="the script's own")
    end: float | None = option(default=None, low=0, high=1, help="last factor")
    gamma: float | None = option(
        default=None, low=0, high=1, open_low=True, help="factor of one drop"
    )
    every: int | None = option(default=None, low=1, help="steps between drops, or in one reading")
    milestones: str | None = option(default=None, help="steps of drops, as 100+200")
    slope: float | None = option(default=None, low=0, help="1 / (1 + slope t)")
    power: float | None = option(default=None, low=0, open_low=True, help="1 is a line")
    period: int | None = option(default=None, low=1, help="steps of the first cycle")
    growth: int | None = option(default=None, low=1, help="length of a cycle over the one before")
    start: float | None = option(
        default=None, low=0, high=1, help="first factor, and lowest of a cycle"
    )
    rise: float | None = option(
        default=None, low=0, high=1, open_high=True, help="share of steps going up"
    )
    decay: float | None = option(
        default=None, low=0, high=1, help="share of steps going down at the end"
    )
    timescale: int | None = option(
        default=None, low=1, help="steps; the warm-up's if there is one, else 10000"
    )
    patience: int | None = option(default=None, low=0, help="readings without improvement")
    watch: str | None = option(default=None, choices=("train", "eval"), help="which loss")

    def __post_init__(self) -> None:
        """Refuses options that belong to another curve."""
        super().__post_init__()
        kind = self.curve
        self.form = curve = CURVES.get(kind, PLATEAU)
        settings = {k: v for k, v in self.given().items() if v is not None}
        del settings["curve"], settings["mode"]
        takes = ", ".join(curve.takes) or "no options"
        for key in settings:
            if key not in curve.takes:
                raise TrickError(f"schedule={kind} takes no {key}; it takes {takes}")
        for key in curve.needs:
            if key not in settings and key != "total":
                raise TrickError(f"schedule={kind} needs {key}; it takes {takes}")
        if "milestones" in settings:
            settings["milestones"] = _steps(settings["milestones"])
        if settings.get("rise", 0) + settings.get("decay", 0) > 1:
            raise TrickError(f"schedule={kind}: rise and decay are more than the whole run")
        self.settings: dict[str, Any] = {**curve.otherwise, **settings}
        if curve is PLATEAU:
            self.plateau = Plateau(*(self.settings[key] for key in ("gamma", "patience", "end")))

    def attach_to(self, stage: Stage) -> None:
        """Knows how long the run is, and for a plateau listens to losses."""
        if "total" in self.form.needs and "total" not in self.settings:
            if not stage.steps:
                why = f"{self.curve} needs total=N, the steps of the whole run, or --steps N"
                stage.refuse(self.name, why)
            self.settings["total"] = stage.steps
        super().attach_to(stage)
        if self.form is PLATEAU:
            read = self.settings
            self.readings = Readings(stage, read["every"], read["watch"], self.plateau.update)

    def factor(self, step: int, warmup: int = 0) -> float:
        """Returns the rate's factor at a step, for a curve that is a function of the step."""
        settings = {key: self.settings[key] for key in self.form.takes}
        if "total" in settings:
            settings["total"] = max(settings["total"] - warmup, 1)
        if "timescale" in settings and self.timescale is None:
            settings["timescale"] = warmup or settings["timescale"]
        return self.form.function(max(step - warmup, 0), **settings)

    def change(self, optimizer: Any, step: int, rates: list[Rate]) -> None:
        """Puts the rates onto the curve."""
        assert self._desk is not None
        plateau = self.form is PLATEAU
        factor = self.plateau.factor if plateau else self.factor(step, self._desk.warmup)
        for rate in rates:
            rate.now = (rate.base if self.mode == "replace" else rate.now) * factor

    def state_dict(self) -> dict[str, Any]:
        """Returns how far the run has come; of a plateau, what it has seen."""
        kept = super().state_dict()
        if kept and self.form is PLATEAU:
            kept |= {"plateau": dict(vars(self.plateau)), "readings": self.readings.state_dict()}
        return kept

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from there."""
        super().load_state_dict(state)
        if "plateau" in state:
            vars(self.plateau).update(state["plateau"])
            self.readings.load_state_dict(state["readings"])


def _steps(text: str) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in str(text).split("+"))
    except ValueError:
        found = ()
    if not found or min(found) < 1 or list(found) != sorted(set(found)):
        what = "expected rising steps like 100+200"
        raise TrickError(f"schedule,milestones={text}: {what}, received {text!r}")
    return found
