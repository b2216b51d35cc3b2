"""The check `target-not-shifted`."""

from __future__ import annotations

from collections.abc import Iterator

from ...journal.series import Series
from ...journal.view import RunView, Training
from ...signals.lines import place_site
from ..base import Check, Limit
from ..finding import Evidence, Finding, Where


class TargetNotShifted(Check):
    """A language model is scored on the tokens that it is given, or on those after the next ones.

    ## What it does
    Assay compares the targets of a loss with the tokens that the model was given at the same
    places. Where they are the same in every sampled batch it changes the last token of each row and
    asks the model again: if no earlier answer changes, the model sees only the past, as a language
    model does, and is asked to repeat what it has just seen.

    ## Why it matters
    To copy a token is learnt in a few steps. The loss falls to almost 0, and what the model then
    generates is the last token over and over. Of targets shifted twice, a model learns to leave
    out each second token; its loss looks healthy.

    ## Evidence
    Probe. The share of targets that equal their own input, and how much answers before a changed
    token changed; or the share that equal the token after the next. The latter is a warning.

    ## Known exceptions
    Silent: autoencoders of tokens and masked language models, whose answers depend on the whole
    row; targets that are shifted by the loss or before it; models whose answers have no place for
    each token. Not judged where the model can't be asked once more.

    ## Example
    `F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten())`; or `labels=tokens[:, 1:]` for
    a model that shifts its labels itself, as those of transformers do.

    ## What to try
    Shift by one: `logits[:, :-1]` against `tokens[:, 1:]`.

    ## References
    Radford et al.: Language Models are Unsupervised Multitask Learners, 2019.
    """

    name = "target-not-shifted"
    family = "loss"
    severity = "error"
    tier = "probe"
    by_hand = "whether the model or the loss was to shift is the script's to say"
    needs = ("loss_call",)
    reads = ("target_is_input", "target_is_after_next", "lookahead", "loss_call")
    limits = {
        "share": Limit(1.0, "of the targets", "definition: a copy is one at every place"),
        "lookahead": Limit(0.0, "of the change", "definition: a causal model does not look ahead"),
        "samples": Limit(8, "samples", "ours: no chance makes whole batches equal"),
    }

    def why_skipped(self, run: RunView) -> str | None:
        """Tells of copies whose model could not be asked whether it looks ahead."""
        asked = any(len(training.series("lookahead").finite()) for training in run.trainings)
        if asked or not any(True for t in run.trainings for _ in self._copies(t)):
            return super().why_skipped(run)
        return run.skipped.get("lookahead", "whether the model looks ahead was not measured")

    def _copies(self, training: Training) -> Iterator[tuple[str, Series]]:
        """Yields the losses whose targets were the input itself, in every sampled batch."""
        for place in training.places("target_is_input"):
            same = training.series("target_is_input", place).finite()
            if len(same) >= self.limit("samples") and min(same.values) >= self.limit("share"):
                yield place, same

    def review(self, run: RunView) -> Iterator[Finding]:
        for training in run.trainings:
            yield from self._twice(run, training)
            ahead = training.series("lookahead").finite()
            if not len(ahead) or max(ahead.values) > self.limit("lookahead"):
                continue
            for place, same in self._copies(training):
                yield self.found(
                    f"the targets of {place} were the model's own input at the same places, in all "
                    f"{len(same)} sampled batches, and the model does not look ahead",
                    "it is asked to repeat the token that it has just seen, not to say the next",
                    try_=("shift by one: logits[:, :-1] against tokens[:, 1:]",),
                    where=Where(site=place_site(run, place)),
                    steps=(same.steps[0], same.steps[-1]),
                    evidence=(
                        Evidence("target_is_input", 1.0, self.limit("share"), "of the targets"),
                        Evidence("lookahead", 0.0, self.limit("lookahead"), "of the change"),
                    ),
                    training=training,
                )

    def _twice(self, run: RunView, training: Training) -> Iterator[Finding]:
        """Looks for losses whose targets were the tokens after the next, and for no other."""
        least = self.limit("share")
        places = training.places("target_is_after_next")
        series = [training.series("target_is_after_next", place).finite() for place in places]
        if any(not len(one) or min(one.values) < least for one in series):
            return  # some loss asks for the next token, or for something else
        for place, seen in zip(places, series, strict=True):
            if len(seen) < self.limit("samples"):
                continue
            yield self.found(
                f"the targets of {place} were the tokens two places on in the model's input, in "
                f"all {len(seen)} sampled batches",
                "they were shifted twice: the model learns the token after the next",
                try_=(
                    "give the tokens themselves as labels, if the model or its loss shifts them",
                ),
                where=Where(site=place_site(run, place)),
                steps=(seen.steps[0], seen.steps[-1]),
                evidence=(Evidence("target_is_after_next", 1.0, least, "of the targets"),),
                severity="warning",
                training=training,
            )
