"""Edits that put statements in: where they stand, in the styles of many people."""

from __future__ import annotations

import re
import textwrap

import pytest

from assay.edits.reason import NotMechanicalError
from assay.edits.script import Script
from assay.journal.view import RunView

from .conftest import CALLS, LOOP, Edited, lines_added


def test_zero_grad_stands_before_the_backward_pass(edited: Edited) -> None:
    first, second = edited(LOOP, "zero-grad", CALLS)
    assert first == LOOP.replace(
        "    loss.backward()", "    optimizer.zero_grad()\n    loss.backward()"
    )
    assert second == LOOP.replace("# one step\n", "# one step\n    optimizer.zero_grad()\n"), (
        "the way that is always right comes second"
    )


SCALED = """\
for x in data:
    scaler.scale(f(x)).backward()
    nn.utils.clip_grad_norm_(p, 1.0)
    sgd.step()
"""


def test_the_step_goes_through_the_scaler(edited: Edited) -> None:
    (after,) = edited(SCALED, "use-scaler", {"step": "sgd.step()"})
    assert lines_added(SCALED, after) == [
        "scaler.unscale_(sgd)",
        "scaler.step(sgd)",
        "scaler.update()",
    ]
    right = SCALED.replace("sgd.step()", "scaler.step(sgd); scaler.update()")
    (after,) = edited(right, "use-scaler", {"step": "scaler.step(sgd)"})
    assert lines_added(right, after) == ["scaler.unscale_(sgd)"]
    with pytest.raises(NotMechanicalError, match="does not tell the scaler's name"):
        edited(SCALED.replace(".scale(", ".multiply("), "use-scaler", {"step": "sgd.step()"})
    closure = {"step": ("sgd.step()", {"closure": True})}
    with pytest.raises(NotMechanicalError, match="a GradScaler takes none"):
        edited(SCALED, "use-scaler", closure)


STYLES = {
    "a class": (
        """\
        class Trainer:
            def fit(self):
                for batch in self.loader:
                    self.loss(batch).backward()
                    self.opt.step()
        """,
        {"backward": "self.loss(batch).backward()", "step": "self.opt.step()"},
        "self.opt.zero_grad()",
        "self.loss(batch).backward()",
    ),
    "tabs and semicolons": (
        "for x in data:\n\tloss = f(x); loss.backward(); o.step()\n",
        {"backward": "loss.backward()", "step": "o.step()"},
        "loss = f(x); o.zero_grad(); loss.backward(); o.step()",
        "",
    ),
    "one line": (
        "for x in data: f(x).backward(); o.step()\n",
        {"backward": "f(x).backward()", "step": "o.step()"},
        "for x in data: o.zero_grad(); f(x).backward(); o.step()",
        "",
    ),
    "a comment above": (
        "while True:\n    # gradients\n    f().backward()\n    sgd.step()\n",
        {"backward": "f().backward()", "step": "sgd.step()"},
        "sgd.zero_grad()",
        "f().backward()",
    ),
    "a scaler": (
        "for x in d:\n    scaler.scale(loss).backward()\n    scaler.step(adam)\n",
        {"backward": "scaler.scale(loss).backward()", "step": "scaler.step(adam)"},
        "adam.zero_grad()",
        "scaler.scale(loss).backward()",
    ),
    "an accelerator": (
        "for x in d:\n    accelerator.backward(loss)\n    opt.step()\n",
        {"backward": "accelerator.backward(loss)", "step": "opt.step()"},
        "opt.zero_grad()",
        "accelerator.backward(loss)",
    ),
    "a closure": (
        "def closure():\n    loss = f()\n    loss.backward()\n    return loss\nopt.step(closure)\n",
        {"backward": "loss.backward()", "step": ("opt.step(closure)", {"closure": True})},
        "opt.zero_grad()",
        "loss.backward()",
    ),
    "letters of more than one byte": (
        "for é in d: ü = f(é); ü.backward(); ö.step()\n",
        {"backward": "ü.backward()", "step": "ö.step()"},
        "for é in d: ü = f(é); ö.zero_grad(); ü.backward(); ö.step()",
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_zero_grad_in_other_styles(edited: Edited, style: str) -> None:
    source, calls, line, before = STYLES[style]
    after = edited(source, "zero-grad", calls)[0]
    assert lines_added(textwrap.dedent(source), after) == [line]
    if before:
        following = after.splitlines()[[s.strip() for s in after.splitlines()].index(line) + 1]
        assert following.strip() == before


def test_accumulated_gradients_are_cleared_after_the_step(edited: Edited) -> None:
    source = """\
    for i, x in enumerate(d):
        f(x).backward()
        if i % 4 == 3:
            opt.step()
    """
    calls = {"backward": "f(x).backward()", "step": "opt.step()"}
    (after,) = edited(source, "zero-grad", calls)
    assert after.endswith("        opt.step()\n        opt.zero_grad()\n")


def test_line_endings_and_a_missing_one_are_kept(edited: Edited) -> None:
    source = LOOP.replace("\n", "\r\n").rstrip()
    _, after = edited(source, "zero-grad", CALLS)
    assert after == source + "\r\n    optimizer.zero_grad()"


def test_two_tricks_at_one_line_stand_in_their_order(edited: Edited) -> None:
    (after, _) = edited(LOOP, "zero-grad+clip-value=2+clip-norm=1", CALLS)
    inside = [line.strip() for line in after.splitlines()[8:]]
    assert inside == [
        "optimizer.zero_grad()",
        "loss.backward()",
        "nn.utils.clip_grad_value_(model.parameters(), 2.0)",
        "nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
        "optimizer.step()  # one step",
    ]


def test_clipping_under_a_scaler_unscales_first(edited: Edited) -> None:
    source = """\
    import torch as th
    net = th.nn.Linear(2, 2)
    for x in d:
        scaler.scale(net(x)).backward()
        scaler.step(opt)
    """
    calls = {"model": "net(x)", "step": "scaler.step(opt)"}
    (after,) = edited(source, "clip-norm=0.5", calls)
    assert (
        lines_added(textwrap.dedent(source), after)
        == [
            "scaler.unscale_(opt)",
            "th.nn.utils.clip_grad_norm_(net.parameters(), 0.5)",
        ]
        or "for group in opt.param_groups" in after
    )


def test_clipping_uses_the_groups_where_the_model_has_no_name(edited: Edited) -> None:
    source = """\
    import random
    from x import build

    def step(opt):
        opt.step()

    def loss(m, x):
        return m(x)
    """
    calls = {"model": "m(x)", "step": "opt.step()"}
    (after,) = edited(source, "clip-norm=1", calls)
    assert "import random\nimport torch\nfrom x" in after
    held = '[p for group in opt.param_groups for p in group["params"]]'
    said = f"torch.nn.utils.clip_grad_norm_({held}, 1.0)"
    assert f"    {said}\n    opt.step()" in after


def test_two_models_are_clipped_together(edited: Edited) -> None:
    source = "import torch\ne = d = 1\nfor x in y:\n    d(e(x)).backward()\n    o.step()\n"
    calls = {"model": "e(x)", "model#2": "d(e(x))", "step": "o.step()"}
    (after,) = edited(source, "clip-norm=1", calls, roots=2)
    assert "clip_grad_norm_([p for group in o.param_groups" in after
    with pytest.raises(NotMechanicalError, match="several models are trained"):
        edited(source, "train-mode", calls, roots=2)


def test_train_mode_before_the_loop_in_it_and_at_the_call(edited: Edited) -> None:
    source = """\
    def fit(net):
        for epoch in range(3):
            for x in d:
                y = 1
                net(x).backward()
    """
    first, second, third = edited(source, "train-mode", {"model": "net(x)"})
    text = textwrap.dedent(source)
    assert first == text.replace("        for x", "        net.train()\n        for x")
    assert second == text.replace("            y =", "            net.train()\n            y =")
    assert third == text.replace("            net(", "            net.train()\n            net(")


def test_warmup_is_a_scheduler_beside_the_optimizer(edited: Edited) -> None:
    (after,) = edited(LOOP, "warmup=20", CALLS)
    assert lines_added(LOOP, after) == [
        "scheduler = torch.optim.lr_scheduler.LambdaLR("
        "optimizer, lambda step: min(1.0, (step + 1) / 20))",
        "scheduler.step()",
    ]


def test_a_schedule_imports_what_it_needs(edited: Edited) -> None:
    (after,) = edited(LOOP, "schedule=cosine,total=50", CALLS)
    assert after.startswith("import math\nimport torch\n")
    assert "(1 + math.cos(math.pi * min(step, 50) / 50)) / 2" in after
    (after,) = edited(LOOP, "schedule=step,every=30,gamma=0.5", CALLS)
    assert "lambda step: 0.5 ** (step // 30)" in after


def test_seeds(edited: Edited) -> None:
    (after,) = edited(LOOP, "seed=7", CALLS)
    assert lines_added(LOOP, after) == ["torch.manual_seed(7)"]
    (after,) = edited(LOOP.replace("model =", "torch.manual_seed(1)\nmodel ="), "seed=7", CALLS)
    assert after.count("manual_seed") == 1
    assert "torch.manual_seed(7)" in after


def test_before_python_3_11_lines_must_do(edited: Edited) -> None:
    """There only the line of a call is known, not its end."""
    calls = {
        of: (call, {"end": None, "cls": "SGD"})
        for of, call in CALLS.items()
        if isinstance(call, str)
    }
    assert edited(LOOP, "zero-grad", calls) == edited(LOOP, "zero-grad", CALLS)
    assert edited(LOOP, "warmup=3", calls) == edited(LOOP, "warmup=3", CALLS)
    # which of two calls on its line is the model's can't be told
    (after,) = edited(LOOP, "clip-norm=1", calls)
    assert "for group in optimizer.param_groups" in after
    with pytest.raises(NotMechanicalError, match="does not spell out the call of model"):
        edited(LOOP, "train-mode", calls)


REFUSED = {
    "several optimizers": (
        LOOP + "other.step()\n",
        "zero-grad",
        {**CALLS, "step#2": ("other.step()", {"number": 1})},
        "several optimizers step",
    ),
    "a framework steps": (
        "trainer.fit(model)\n",
        "zero-grad",
        {"step": "trainer.fit(model)"},
        "does not spell out the call of .step()",
    ),
    "the head of a statement": (
        "for x in d:\n    f(x).backward()\n    if o.step():\n        pass\n",
        "clip-norm=1",
        {"step": "o.step()", "model": "f(x)"},
        "is no statement of its own",
    ),
    "a trick without an edit": (LOOP, "ema=0.99", CALLS, "assay run --with ema=0.99"),
    "what only the data tell": (LOOP, "normalise-input", CALLS, "where the data are loaded"),
    "an optimizer without a name": (
        LOOP.replace("optimizer = torch", "optimizers[0] = torch").replace(
            "optimizer.step()", "optimizers[0].step()"
        ),
        "warmup=5",
        {**CALLS, "step": "optimizers[0].step()"},
        "built and stepped in different places",
    ),
    "no record of lines": (LOOP, "zero-grad", {}, "--fresh makes a new one"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_mechanical_says_why(edited: Edited, case: str) -> None:
    source, trick, calls, why = REFUSED[case]
    with pytest.raises(NotMechanicalError, match=re.escape(why)):
        edited(source, trick, calls)


def test_a_file_that_is_not_the_user_s_is_never_edited() -> None:
    with pytest.raises(NotMechanicalError, match="no file of yours"):
        Script(RunView(), [__file__]).source(str(pytest.__file__))
