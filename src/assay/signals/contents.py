"""What inputs held: the last that was written of each, and how many rows of it there were."""

from __future__ import annotations

from ..journal.events import INPUT_CONTENTS, InputContents
from ..journal.view import Event, RunView, Training


def last_contents(run: RunView, training: Training) -> list[Event[InputContents]]:
    """Returns the last that was written of each input that a training's steps were given."""
    own = training.places("input_fingerprint")
    events = (e for e in run.events(INPUT_CONTENTS) if e.process == training.process)
    return list({e.data["place"]: e for e in events if e.data["place"] in own}.values())


def takes_one_batch(training: Training) -> bool:
    """Whether all its sampled batches were one and the same."""
    places = training.places("input_fingerprint")
    return bool(places) and all(is_same_batch(training, place) for place in places)


def is_same_batch(training: Training, place: str) -> bool:
    """Whether all sampled batches had one sum: they were one and the same batch."""
    values = training.series("input_fingerprint", place).values
    return len(values) > 1 and len(set(values)) == 1


def rows_seen(training: Training, data: InputContents) -> float:
    """Returns how many rows were seen of an input; those of one batch if it is always the same."""
    again = is_same_batch(training, data["place"]) and not data["unchanged"]
    return data["rows"] / data["batches"] if again else data["rows"]
