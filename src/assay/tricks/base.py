"""What a trick is, the options it takes, and what it says of itself."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from .options import Option, TrickError, named, option, value, written

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform  # typing's own begins with Python 3.11

    from ..journal.view import Training
    from .handle import Handle
    from .stage import Stage
else:

    def dataclass_transform(**_: Any) -> Any:
        """Tells type checkers that annotated options make the signature; nothing at run time."""
        return lambda cls: cls


__all__ = ["Option", "Suggestion", "Trick", "TrickError", "alike", "option", "value"]

ChangesLoss = Literal["no", "training", "training and evaluation"]
"""Where a loss is another quantity with a trick than without, for the same outputs and labels."""


class Suggestion(NamedTuple):
    """A value of a trick, and what was measured that says so (empty: a check proposed it)."""

    value: str
    why: str = ""


ALIKE = 1.5
"""Two suggested values that differ by less than this factor are not tried both."""


def alike(value: float, other: float) -> bool:
    """Whether trying both values would tell no more than trying one."""
    return 1 / ALIKE < value / other < ALIKE


@dataclass_transform(field_specifiers=(option, value))
class Trick:
    """One training trick. The class docstring is its page.

    A subclass declares what it takes as annotated attributes (`limit: float = value(low=0)`), what
    it can't stand beside (`conflicts`), what it does to the numbers that a trial compares
    (`changes_loss`, `changes_answers`, `batches_per_step`; the common suite measures all three),
    and in `attach_to` what it does at which seam.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    conflicts: ClassVar[tuple[str, ...]] = ()

    changes_loss: ClassVar[ChangesLoss] = "no"
    """Where the loss is another quantity with it: such losses are not compared with a control's."""
    changes_answers: ClassVar[bool] = False
    """Whether training asks for other answers: then errors in training do not compare either."""

    changes_mode: ClassVar[bool] = False
    """Whether losses in training are of another mode, or of other noise, such as dropout's."""
    changes_shares: ClassVar[bool] = False
    """Whether the model is trained for other shares of classes than the data have: what a constant
    prediction has by those of the data is then no bound for it."""

    explore: ClassVar[tuple[str, ...]] = ()
    """Values worth a trial where nothing is wrong; an empty one is left to `suggest`."""
    by_hand: ClassVar[str] = ""
    """What to write in the script, where the numbers are the data's and so no edit can."""

    main: ClassVar[Option | None] = None
    options: ClassVar[tuple[Option, ...]] = ()
    """Made from the annotated attributes; `options` are those beside the main value."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Reads the declared options, and gives the class its signature."""
        super().__init_subclass__(**keywords)
        own = [
            named(key, annotation, cls.__dict__[key])
            for key, annotation in inspect.get_annotations(cls).items()
            if isinstance(cls.__dict__.get(key), Option)
        ]
        for one in own:
            delattr(cls, one.attribute)  # an instance has the value, the class has `options`
        cls.main = next((one for one in own if one.main), cls.main)
        cls.options = (*cls.options, *(one for one in own if not one.main))
        cls.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter(
                    one.attribute,
                    inspect.Parameter.POSITIONAL_OR_KEYWORD,
                    default=inspect.Parameter.empty if one.required else one.default,
                    annotation=one.kind,
                )
                for one in cls.takes()
            ]
        )

    def __init__(self, *values: Any, **options: Any) -> None:
        for key, given in self._read(values, options).items():
            setattr(self, key, given)
        self.__post_init__()

    def __post_init__(self) -> None:
        """Refuses values that don't fit each other by a TrickError; makes what it remembers."""

    @classmethod
    def takes(cls) -> tuple[Option, ...]:
        """Returns all its options, the main value first."""
        return (*([cls.main] if cls.main else []), *cls.options)

    @classmethod
    def _read(cls, values: tuple[Any, ...], options: Mapping[str, Any]) -> dict[str, Any]:
        takes = {one.attribute: one for one in cls.takes()}
        names = ", ".join(one.name for one in takes.values()) or "no options"
        if len(values) > len(takes):
            raise TrickError(f"{cls.name} takes {names}, received {values[len(takes)]!r} as well")
        raw = dict(zip(takes, values, strict=False))
        for key, given in options.items():
            attribute = key.replace("-", "_")
            if attribute not in takes:
                raise TrickError(f"{cls.name} has no option {key!r}: it takes {names}")
            if attribute in raw:
                raise TrickError(f"{cls.name}: {key} is given twice")
            raw[attribute] = given
        checked = {}
        for attribute, one in takes.items():
            given = raw.get(attribute)
            if given is None and one.required:
                what = "a value" if one.main else one.name
                raise TrickError(f"{cls.name} needs {what}: {one.expected()} ({one.help})")
            checked[attribute] = one.default if given is None else one.read(given, cls.name)
        return checked

    def batches_per_step(self) -> int:
        """Returns how many batches of the script one optimizer step takes with it."""
        return 1

    @classmethod
    def suggest(cls, training: Training, proposed: str = "") -> Iterator[Suggestion]:
        """Values for a run like this one, the likeliest first, taken from what was measured.

        Args:
            training: The record of a training without the trick.
            proposed: The value that a check proposes; empty if it names none.
        """
        if proposed:
            yield Suggestion(proposed)

    def given(self) -> dict[str, Any]:
        """Returns the checked values, by their names in Python."""
        return {one.attribute: getattr(self, one.attribute) for one in self.takes()}

    def attach_to(self, stage: Stage) -> None:
        """Takes its place at the seams; everything done through the stage is undone by it."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Returns what a restart needs; empty for a trick without memory."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on from a kept state."""

    def attach(self, *objects: Any) -> Handle:
        """Applies the trick to these models and optimizers, in this process.

        Args:
            objects: `torch.nn.Module`s and `torch.optim.Optimizer`s, in any order.

        Returns:
            A handle whose `detach()` undoes it.
        """
        from .handle import attach

        return attach([self], objects)

    def __str__(self) -> str:
        """Returns the trick as `--with` takes it, without what is as usual."""
        head = self.name
        if self.main is not None and (main := getattr(self, self.main.attribute)) is not None:
            head = f"{self.name}={written(main)}"
        given = ((one, getattr(self, one.attribute)) for one in self.options)
        rest = [f"{one.name}={written(value)}" for one, value in given if value != one.default]
        return ",".join([head, *rest])

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.given() == other.given()

    def __hash__(self) -> int:
        return hash((type(self), *self.given().values()))
