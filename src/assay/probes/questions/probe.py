"""Probe: asks the batch of a step again, with one thing changed that the model was given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ...replay.measurement import Measurement, When
from ...replay.replays import Replays
from ...replay.structure import NotReplayable
from .arrangement import arranged_rows
from .asked import Asked, NothingToAsk
from .attention import unscaled_scores
from .casts import lossy_casts
from .causal import later_tokens
from .dropout import dropout_gap
from .inputs import used_inputs
from .linear import linear_pairs
from .normalised import summed_otherwise
from .order import changed_order
from .padding import padded_places
from .residual import scaled_sums
from .spread import answer_spread
from .weights import attention_weights


class Questions(Measurement):
    """Answers the questions of this folder, one after the other, on the tape of one step.

    No code of the script's runs: what torch computed is computed again, with other numbers in the
    place of some that the model was given. Dropout keeps every element, and batch norm takes its
    running statistics, as in evaluation. What one question can't be asked of is no matter of the
    others. What only a model that has learnt can answer is not asked of an early step.
    """

    name, forwards = "questions", 7
    at: ClassVar[tuple[When, ...]] = (When.EARLY, When.OPENING_END, When.RARELY)

    questions: ClassVar = {
        "later_token_change": later_tokens,
        "input_used": used_inputs,
        "answer_spread": answer_spread,
        "padding_change": padded_places,
        "order_change": changed_order,
        "linear_share": linear_pairs,
        "residual_factor": scaled_sums,
        "dropout_share": dropout_gap,
        "attention_top_weight": attention_weights,
    }
    late: ClassVar = ("answer_spread", "dropout_share", "attention_top_weight")
    """Not asked before the opening window ends: a head that begins at zero gives every sample the
    same answer, and where nothing is learnt yet dropout costs nothing."""

    def measure(self, replays: Replays) -> Iterator[tuple[str, str, Any]]:
        """Yields the signals of all questions."""
        if replays.why_not is not None:
            raise NotReplayable(replays.why_not)
        asked = Asked(replays, self.watch)
        opened = self.watch.iteration - self.watch.opening_began + 1
        early = self.late if opened < self.watch.opening else ()
        for signal, question in self.questions.items():
            if signal in early:
                continue
            try:
                yield from question(asked)
            except NothingToAsk as why:
                self.watch.skip(signal, str(why))
            except NotReplayable as why:
                self.watch.skip(signal, f"could not look: {why}")


class FirstQuestions(Questions):
    """Asks what only the first steps can answer: later a state is what training has made of it."""

    name, forwards = "first_questions", 2
    at: ClassVar[tuple[When, ...]] = (When.FIRST_STEP,)

    questions: ClassVar = {
        "unscaled_scores": unscaled_scores,
        "attention_summed_otherwise": summed_otherwise,
        "lossy_casts": lossy_casts,
        "rows_rearranged": arranged_rows,
    }
