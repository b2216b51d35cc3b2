"""What was not finite before a loss: the part of `loss-not-finite` that finds and says it."""

from __future__ import annotations

from ...journal.events import LOSS_CALL, NONFINITE_ORIGIN, NonfiniteTraced
from ...journal.view import RunView, Site, Training
from ...signals.nonfinite.told import site as traced_site
from ...signals.nonfinite.told import told
from ...signals.traced import tracing_of
from ..finding import Where

# In the order in which numbers flow: at the same step the earlier one is the source.
FLOW = (
    ("input_nan_share", "the input"),
    ("weight_nonfinite_share", "the weight"),
    ("activation_nonfinite_share", "the output of"),
    ("grad_nonfinite_share", "the gradient of"),
)


def origin_of(
    run: RunView, training: Training, step: int
) -> tuple[NonfiniteTraced | None, str, Where]:
    """Returns what a traced step told, what was not finite first, in words, and where that is."""
    origin, where = _seen_first(run, training, step)
    event = tracing_of(run, training, step)
    if event is not None:
        return event.data, f"; {told(event.data)}", _place(event.data, where)
    return None, origin, where


def _seen_first(run: RunView, training: Training, step: int) -> tuple[str, Where]:
    """Says what was not finite first, in words, and where that is."""
    call = next(run.events(LOSS_CALL), None)
    traced = next(run.events(NONFINITE_ORIGIN), None)
    known = call or traced
    site = known.site if known else training.site
    met = []
    for order, (signal, words) in enumerate(FLOW):
        for number, place in enumerate(training.places(signal)):
            last = step - (signal == "grad_nonfinite_share")  # this step's follows the loss
            for s, value in training.series(signal, place):
                if s <= last and value > 0:
                    met.append((s, order, number, signal, words, place))
                    break
    if traced is not None and (not met or min(met)[0] >= step):
        said = {
            "input": "the input",
            "parameter": "the weight",
            "operation": "the operation",
        }[traced.data["kind"]]
        module = traced.data.get("module")
        inside = f" next to {module}" if module else ""
        text = f"; what was not finite first was {said} `{traced.data['place']}`{inside}"
        return text, Where(site=Site.read(traced.data.get("line")) or site, module=module)
    if not met:
        return "", Where(site=site)
    s, _, _, signal, words, place = min(met)
    text = f"; what was not finite first was {words} `{place}` at step {s}"
    parameter = place if signal in ("weight_nonfinite_share", "grad_nonfinite_share") else None
    module = place if signal == "activation_nonfinite_share" else None
    return text, Where(site=site, module=module, parameter=parameter)


def _place(traced: NonfiniteTraced, known: Where) -> Where:
    owner = traced["owner"] if traced["phase"] == "optimizer" else None
    site = traced_site(traced) or known.site
    return Where(site=site, module=traced["module"], parameter=owner)
