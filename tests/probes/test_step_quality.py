from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from noting import Noting
from torch import Tensor, nn

from assay.curvature.hessian import Hessian
from assay.probes.optimizer import step_quality as module
from assay.probes.optimizer.sharpness import Sharpness
from assay.probes.optimizer.step_quality import StepQuality
from assay.replay.structure import NotReplayable


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(torch.tanh(self.first(x)))


class Counting(Mlp):
    """The same, with side effects that a second call would repeat."""

    def __init__(self) -> None:
        super().__init__()
        self.calls, self.kept = 0, []

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.kept.append(float(x.sum()))
        return super().forward(x)


class Reading(Mlp):
    """The same, but Python reads what depends on the weights: nobody knows what for."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        self.seen = y.detach().sum().item()
        return y * 1


class BadLoss(nn.Module):
    """A loss of the user's own, with side effects."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, y: Tensor, target: Tensor) -> Tensor:
        self.calls += 1
        return F.cross_entropy(y, target)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = (
            nn.LSTM(8, 12, batch_first=True, dropout=0.2, num_layers=2),
            nn.Linear(12, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.lstm(x.unsqueeze(1).expand(-1, 3, -1))
        return self.head(states[:, -1])


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(1, 16)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.2, batch_first=True)
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(self.embed(x.unsqueeze(-1))).mean(1))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Unflatten(1, (1, 8)), nn.Conv1d(1, 6, 3, padding=1), nn.BatchNorm1d(6),
        nn.ReLU(inplace=True), nn.Dropout(0.3), nn.Flatten(), nn.Linear(48, 3),
    )  # fmt: skip


def train(
    make: Callable[[], nn.Module],
    *,
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.SGD,
    rate: float = 0.1,
    steps: int = 40,
    criterion: Callable[..., Tensor] = F.cross_entropy,
    after: Callable[[nn.Module], None] = lambda model: None,
    **settings: Any,
) -> tuple[list[float], dict[str, Tensor], Any]:
    """Losses, final weights and buffers, and what all random generators would draw next."""
    torch.manual_seed(0)
    random.seed(0)
    model = make()
    after(model)
    stepper = optimizer(model.parameters(), lr=rate, **settings)
    teacher = torch.randn(8, 3)
    losses = []
    for _ in range(steps):
        x = torch.randn(32, 8)
        loss = criterion(model(x), (x @ teacher).argmax(1))
        stepper.zero_grad()
        loss.backward()
        stepper.step()
        losses.append(loss.item())
    dice = torch.get_rng_state(), random.getstate()
    return losses, {**model.state_dict(), **extras(model)}, dice


def extras(model: nn.Module) -> dict[str, Tensor]:
    calls = torch.tensor(float(getattr(model, "calls", 0)))
    return {"calls": calls, "kept": torch.tensor(getattr(model, "kept", []))}


def qualities(seen: Any) -> dict[int, float]:
    return dict(seen.view.trainings[0].series("step_quality").finite())


MODELS = {
    "mlp": Mlp,
    "batchnorm and dropout": convolutional,
    "lstm": Recurrent,
    "transformer": Attention,
    "side effects": Counting,
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.AdamW])
def test_observing_changes_nothing(watched: Any, make: Any, optimizer: Any) -> None:
    plain = train(make, optimizer=optimizer, rate=0.01)
    with watched(StepQuality, Sharpness) as seen:
        observed = train(make, optimizer=optimizer, rate=0.01)
    assert observed[0] == plain[0]
    assert observed[1].keys() == plain[1].keys()
    assert all(torch.equal(observed[1][name], plain[1][name]) for name in plain[1])
    assert torch.equal(observed[2][0], plain[2][0])
    assert observed[2][1] == plain[2][1]
    assert len(qualities(seen)) >= 8 or make in (Recurrent, Attention)


@pytest.mark.parametrize("make", [Mlp, Counting])
def test_replay_where_the_loss_can_be_computed_again_curvature_where_not(
    watched: Any, make: Any
) -> None:
    with watched(StepQuality) as replayed:
        train(make)
    with watched(StepQuality) as bent:
        train(Reading)
    assert [*qualities(replayed)][:20] == [*range(8), *range(8, 32, 2)]
    assert len(replayed.view.trainings[0].series("actual_change")) >= 20
    assert 5 <= len(qualities(bent)) <= 12
    assert len(bent.view.trainings[0].series("actual_change")) == 0


def test_replay_is_the_change_of_the_loss_on_the_same_batch(watched: Any) -> None:
    torch.manual_seed(0)
    model = Mlp()
    x, y = torch.randn(16, 8), torch.randint(0, 3, (16,))
    expected = []
    with watched(StepQuality) as seen:
        stepper = torch.optim.SGD(model.parameters(), lr=0.3)
        for _ in range(5):
            loss = F.cross_entropy(model(x), y)
            stepper.zero_grad()
            loss.backward()
            promised = -0.3 * sum(float((p.grad**2).sum()) for p in model.parameters())
            stepper.step()
            with torch.no_grad():
                after = F.cross_entropy(model(x), y)
            expected.append(float(after - loss.detach()) / promised)
    assert list(qualities(seen).values()) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("momentum", [0.0, 0.8])
def test_replay_and_curvature_agree_in_a_smooth_run(watched: Any, momentum: float) -> None:
    """On one batch, over and over, the two forms must measure the same thing."""

    def full_batch(make: type[Mlp]) -> None:
        torch.manual_seed(0)
        model = make()
        stepper = torch.optim.SGD(model.parameters(), lr=0.2, momentum=momentum)
        x = torch.randn(64, 8)
        y = x[:, :3].argmax(1)
        for _ in range(40):
            loss = F.cross_entropy(model(x), y)
            stepper.zero_grad()
            loss.backward()
            stepper.step()

    with watched(StepQuality) as replayed:
        full_batch(Mlp)
    with watched(StepQuality) as bent:
        full_batch(Reading)
    true, close = qualities(replayed), qualities(bent)
    both = sorted(true.keys() & close.keys())
    assert len(both) >= 7
    for step in both:
        assert close[step] == pytest.approx(true[step], abs=0.1)


def test_a_rate_far_too_high_has_steps_that_raise_the_loss(watched: Any) -> None:
    with watched(StepQuality) as seen:
        train(Mlp, rate=30.0)
    assert sum(r < 0 for r in qualities(seen).values()) >= 3


@pytest.mark.parametrize(("rate", "judged"), [(0.01, 0), (1.0, 3)])
def test_a_change_below_the_last_digit_of_half_precision_has_no_quality(
    watched: Any, rate: float, judged: int
) -> None:
    """The loss is a number in float32, but what it is computed of has three digits."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 3)).bfloat16()
    with watched(StepQuality) as seen:
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        for _ in range(3):
            x, y = torch.randn(64, 8).bfloat16(), torch.randint(0, 3, (64,))
            optimizer.zero_grad()
            F.cross_entropy(model(x).float(), y).backward()
            optimizer.step()
    (training,) = seen.view.trainings
    assert len(training.series("actual_change")) == 3  # the batch was computed again
    # elsewhere it is taken from the curvature, which says what is to be expected of it
    by_replay = [q for q in qualities(seen).values() if abs(q - 1) > 1e-2]
    assert len(by_replay) == judged


def test_clipping_does_not_hide_the_true_gradient(watched: Any) -> None:
    torch.manual_seed(0)
    model = Mlp()
    with watched(StepQuality) as seen:
        stepper = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(4):
            x, y = torch.randn(16, 8), torch.randint(0, 3, (16,))
            stepper.zero_grad()
            F.cross_entropy(model(x), y).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            stepper.step()
    assert len(qualities(seen)) == 4
    assert all(0.8 < r < 1.1 for r in qualities(seen).values())


def halved(y: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(y, target) / 2


def summed(y: Tensor, target: Tensor) -> Tensor:
    losses = [F.cross_entropy(y, target), 0.1 * F.mse_loss(y, torch.zeros_like(y))]
    return sum(losses)  # type: ignore[return-value]


def by_hand(y: Tensor, target: Tensor) -> Tensor:
    return -y.log_softmax(1)[torch.arange(len(y)), target].mean()


def logged(y: Tensor, target: Tensor) -> Tensor:
    loss = F.cross_entropy(y, target)
    LOGGED.append(loss.item())
    return loss


LOGGED: list[float] = []


@pytest.mark.parametrize("criterion", [halved, summed, by_hand, logged])
def test_losses_that_a_script_puts_together_are_computed_again(
    watched: Any, criterion: Any
) -> None:
    plain = train(Mlp, criterion=criterion)
    with watched(StepQuality) as seen:
        observed = train(Mlp, criterion=criterion)
    assert observed[0] == plain[0]
    assert len(qualities(seen)) >= 20


@pytest.mark.parametrize(
    "criterion", [nn.CrossEntropyLoss(), nn.CrossEntropyLoss(label_smoothing=0.1)]
)
def test_loss_modules_are_replayed(watched: Any, criterion: nn.Module) -> None:
    with watched(StepQuality) as seen:
        train(Mlp, criterion=criterion)
    assert len(qualities(seen)) >= 20


def test_a_loss_module_of_the_users_own_is_not_called_again(watched: Any) -> None:
    loss = BadLoss()
    with watched(StepQuality) as seen:
        train(Mlp, criterion=loss)
    assert loss.calls == 40
    assert len(qualities(seen)) >= 20  # what it returns is the functional loss, which is replayed


def test_hooks_are_never_called_by_us(watched: Any) -> None:
    calls: list[str] = []

    def hook(model: nn.Module) -> None:
        model.register_forward_hook(lambda *_: calls.append("forward"))
        model.first.weight.register_hook(lambda g: calls.append("gradient"))

    with watched(StepQuality, Sharpness) as seen:
        train(Mlp, after=hook)
    assert calls.count("forward") == 40
    assert calls.count("gradient") == 40
    assert len(qualities(seen)) >= 20  # what torch computed is computed again, and no hook called
    assert "hooks" in seen.view.skipped["sharpness"]


class Doubled(torch.autograd.Function):
    backwards = 0

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        Doubled.backwards += 1
        return gradient * 2


class WithFunction(Mlp):
    def forward(self, x: Tensor) -> Tensor:
        return Doubled.apply(super().forward(x))


def test_functions_of_the_users_own_are_not_differentiated_again(watched: Any) -> None:
    Doubled.backwards = 0
    with watched(StepQuality, Sharpness) as seen:
        train(WithFunction, rate=0.01)
    assert Doubled.backwards == 40
    assert len(qualities(seen)) >= 20
    assert "function of the user's own" in seen.view.skipped["sharpness"]


def test_retained_gradients_are_the_users_alone(watched: Any) -> None:
    torch.manual_seed(0)
    model = Mlp()
    with watched(StepQuality, Sharpness):
        stepper = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            y = model(torch.randn(8, 8))
            y.retain_grad()
            stepper.zero_grad()
            F.mse_loss(y, torch.zeros(8, 3)).backward()
            assert torch.allclose(y.grad, 2 * y.detach() / y.numel())
            stepper.step()


@pytest.mark.parametrize("kind", ["closure", "accumulation", "two optimizers"])
def test_what_has_no_one_loss_is_not_measured(watched: Any, kind: str) -> None:
    torch.manual_seed(0)
    model = Mlp()
    parts = [model.first, model.second] if kind == "two optimizers" else [model]
    made = torch.optim.LBFGS if kind == "closure" else torch.optim.SGD
    with watched(StepQuality, Sharpness) as seen:
        steppers = [made(part.parameters(), lr=0.1) for part in parts]
        x, y = torch.randn(16, 8), torch.randint(0, 3, (16,))

        def closure() -> Tensor:
            for stepper in steppers:
                stepper.zero_grad()
            for _ in range(2 if kind == "accumulation" else 1):
                loss = F.cross_entropy(model(x), y)
                loss.backward()
            return loss

        for _ in range(40):
            if kind == "closure":
                steppers[0].step(closure)
                continue
            closure()
            for stepper in steppers:
                stepper.step()
    assert seen.view.trainings[0].series("sharpness").finite().values.tolist() == []
    if kind != "two optimizers":
        assert qualities(seen) == {}


def test_a_batch_changed_in_place_is_not_replayed(watched: Any) -> None:
    torch.manual_seed(0)
    model = Mlp()
    x, y = torch.randn(16, 8), torch.randint(0, 3, (16,))
    with watched(StepQuality) as seen:
        stepper = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(6):
            loss = F.cross_entropy(model(x), y)
            stepper.zero_grad()
            loss.backward()
            x.normal_()
            stepper.step()
    assert len(seen.view.trainings[0].series("actual_change")) == 0


def test_gradients_left_over_from_the_last_step_are_not_judged(watched: Any) -> None:
    torch.manual_seed(0)
    model = Mlp()
    with watched(StepQuality) as seen:
        stepper = torch.optim.SGD(model.parameters(), lr=0.01)
        for _ in range(6):
            x, y = torch.randn(16, 8), torch.randint(0, 3, (16,))
            F.cross_entropy(model(x), y).backward()
            stepper.step()
    assert list(qualities(seen)) == [0]


def test_a_forward_that_can_not_be_repeated_is_noticed(watched: Any) -> None:
    """The arguments look the same but hold memory that changed behind torch's back."""
    np = pytest.importorskip("numpy")
    torch.manual_seed(0)
    model = Mlp()
    held = np.random.default_rng(0).normal(size=(16, 8)).astype("float32")
    x, y = torch.from_numpy(held), torch.randint(0, 3, (16,))
    with watched(StepQuality) as seen:
        stepper = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(6):
            loss = F.cross_entropy(model(x), y)
            held[:] = held[::-1] * 3
            stepper.zero_grad()
            with contextlib.suppress(RuntimeError):
                loss.backward()
            stepper.step()
    assert len(seen.view.trainings[0].series("actual_change")) == 0


def test_the_hessian_leaves_the_users_graph_whole() -> None:
    torch.manual_seed(0)
    model = Mlp()
    x, y = torch.randn(16, 8), torch.randint(0, 3, (16,))
    F.cross_entropy(model(x), y).backward()
    expected = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    loss = F.cross_entropy(model(x), y)
    Hessian(loss, list(model.parameters())).product(
        [torch.ones_like(p) for p in model.parameters()]
    )
    assert all(p.grad is None for p in model.parameters())
    loss.backward()
    assert all(torch.equal(p.grad, e) for p, e in zip(model.parameters(), expected, strict=True))


# -- event by event, with a loss that is known -----------------------------------------------------


class Again:
    """Stands in for what computes the loss again: it is what the test says."""

    def __init__(self) -> None:
        self.why_not: str | None = None
        self.after: Any = 0.0
        self.verified: list[Any] = []
        self.asked: list[Any] = []

    def number(self, tensor: Tensor) -> int:
        return 7

    def verify(self, expected: Tensor, of: int | None) -> None:
        self.verified.append((float(expected), of))

    def loss(self, of: int | None) -> Tensor:
        self.asked.append(of)
        if isinstance(self.after, str):
            raise NotReplayable(self.after)
        return torch.as_tensor(self.after)


class Judged(Noting):
    """Notes what was asked for, and what is listened to."""

    def __init__(self) -> None:
        super().__init__(opening_began=0, training_alone=None, again=Again(), asked=[], charged=0,
                         granted=True, heard=[], rows=[])  # fmt: skip

    def shared(self, kind: Any) -> Any:
        return self.again

    def grant(self, steps: float, *, ahead: int) -> bool:
        self.asked.append((steps, ahead))
        return self.granted

    def charge(self, began: float) -> None:
        self.charged += 1

    def listen(self, event: str, listener: Any) -> None:
        self.heard.append(event)

    def unlisten(self, event: str, listener: Any) -> None:
        self.heard.remove(event)

    def silence(self) -> Any:
        return contextlib.nullcontext()

    def training(self, optimizer: Any) -> Any:
        return SimpleNamespace(index=2, step=5)

    def new_recorder(self) -> Any:
        return SimpleNamespace(
            put=lambda name, place, value: self.rows.append((name, float(value))),
            close=lambda training, step: self.rows.append((training, step)),
            flush_arrived=lambda wait: None,
        )


class ByHand:
    """Two weights, (3, 4), whose squares are the loss of 25; a step along the gradient, (6, 8)."""

    def __init__(self) -> None:
        self.watch = Judged()
        self.again, self.probe = self.watch.again, StepQuality(self.watch)
        self.weights = [nn.Parameter(torch.tensor([3.0])), nn.Parameter(torch.tensor([4.0]))]
        self.optimizer = torch.optim.SGD(self.weights, lr=0.1)
        self.probe.on_optimizer_created(self.optimizer)

    def loss(self) -> Tensor:
        return sum(w.square().sum() for w in self.weights)  # type: ignore[return-value]

    def backward(self, root: Any = None, kept: bool = False) -> None:
        root = self.loss() if root is None else root
        self.probe.on_backward_begin(root, kept)
        total = root if isinstance(root, Tensor) else sum(root)
        total.backward(retain_graph=True)
        self.probe.on_backward_end(root)

    def step(self, rate: float = 0.1) -> dict[str, float]:
        self.probe.on_gradients_ready(self.optimizer)
        with torch.no_grad():
            for w in self.weights:
                w -= rate * w.grad
        self.watch.numbers.clear()
        self.probe.on_step_end(self.optimizer)
        return {name: value for (name, _), value in self.watch.numbers.items()}


@pytest.mark.parametrize(("after", "quality"), [(15.0, 1.0), (20.0, 0.5), (35.0, -1.0)])
def test_the_share_of_what_was_promised(after: float, quality: float) -> None:
    told = ByHand()
    told.again.after = after
    told.backward()
    found = told.step()
    assert found == pytest.approx(
        {"predicted_change": -10.0, "actual_change": after - 25, "step_quality": quality}
    )
    assert told.again.verified == [(25.0, None)]
    assert told.again.asked == [None]
    assert told.watch.heard == []
    assert told.probe._before == []


def test_a_step_that_goes_uphill_or_has_an_old_gradient_has_no_quality() -> None:
    told = ByHand()
    told.again.after = 40.0
    told.backward()
    found = told.step(rate=-0.1)
    assert found["predicted_change"] == pytest.approx(10)
    assert math.isnan(found["step_quality"])
    told = ByHand()
    told.again.after = 15.0
    for w in told.weights:
        w.grad = torch.ones(1)
    told.backward()
    assert float(told.probe._stale[0]) == pytest.approx(2**0.5)
    assert math.isnan(told.step()["step_quality"])
    told = ByHand()
    told.again.after = 15.0
    for w in told.weights:
        w.grad = torch.zeros(1)
    told.backward()
    assert told.step()["step_quality"] == pytest.approx(1.0), "cleared to zero"


def test_a_loss_that_a_scaler_multiplied() -> None:
    told = ByHand()
    told.again.after = 15.0
    original = told.loss()
    scaled = original * 8
    told.probe.on_scaled(original, scaled)
    told.backward(scaled)
    for w in told.weights:
        w.grad /= 8  # unscaled
    found = told.step()
    assert found["predicted_change"] == pytest.approx(-10)
    assert found["step_quality"] == pytest.approx(1)
    assert told.again.verified == [(25.0, 7)]
    assert told.again.asked == [7]
    told.probe.iteration_begins()
    told.watch.is_repeated = False
    told.probe.on_scaled(original, scaled)
    assert told.probe._scaled is None
    told.watch.is_repeated, told.watch.sampling = True, False
    told.probe.on_scaled(original, scaled)
    assert told.probe._scaled is None


def test_what_is_not_looked_at() -> None:
    told = ByHand()
    told.watch.is_repeated = False
    told.backward()
    assert told.step() == {}
    told = ByHand()
    told.backward()
    told.backward()
    assert told.step() == {}, "gradients of two losses"
    assert told.probe._why == "gradients of several losses are added up"
    told = ByHand()
    told.backward((told.loss(), told.loss()))
    assert told.step() == {}
    told = ByHand()
    told.again.after = 15.0
    told.backward((told.loss(),))
    assert told.step()["step_quality"] == pytest.approx(1), "a list of one"
    told = ByHand()
    told.backward()
    told.probe.on_step_skipped(told.optimizer)
    assert told.step() == {}
    told = ByHand()
    told.backward()
    told.step()
    assert told.step() == {}, "another step without a pass"
    told.probe.iteration_begins()
    assert (told.probe._done, told.probe._loss, told.probe._gradients) == (False, None, {})


def test_weights_whose_gradient_was_not_copied() -> None:
    told = ByHand()
    more = nn.Parameter(torch.ones(1))
    told.backward()
    more.grad = torch.ones(1)
    told.optimizer.add_param_group({"params": [more]})
    told.probe.on_gradients_ready(told.optimizer)
    assert told.probe._before == []
    told = ByHand()
    told.weights[1].grad = None
    told.again.after = 19.0
    told.probe.on_backward_begin(told.loss(), False)
    told.weights[0].grad = torch.tensor([6.0])
    told.probe.on_backward_end(None)
    told.probe.on_closure_end(told.optimizer)
    assert [before.tolist() for _, before, _ in told.probe._before] == [[3.0]]


@pytest.mark.parametrize(("room", "copied"), [(24, True), (23, False)])
def test_copies_are_made_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, room: int, copied: bool
) -> None:
    monkeypatch.setattr(module, "room", lambda device: room)  # three of two float32
    told = ByHand()
    told.backward()
    assert bool(told.probe._gradients) is copied


@pytest.mark.parametrize(
    ("loss", "units", "judged"),
    [(1.0, 80, True), (1.0, 50, False), (4.0, 80, False), (-1.0, 50, False)],
)
def test_a_change_within_rounding_is_left_to_the_curvature(
    loss: float, units: int, judged: bool
) -> None:
    told, predicted = ByHand(), units * torch.finfo(torch.float32).eps
    told.again.after = loss - predicted
    told.backward()
    told.probe._loss = torch.tensor(loss)
    for w in told.weights:
        w.grad *= 0.1
    told.probe._gradients = {id(w): w.grad.clone() for w in told.weights}
    found = told.step(rate=predicted)  # the gradient's square is 1
    assert found["predicted_change"] == pytest.approx(-predicted, rel=0.1)
    assert math.isnan(found["step_quality"]) is not judged
    assert told.watch.heard == ([] if judged else ["backward_begin"])


def test_curvature_at_the_next_pass_where_the_batch_is_gone() -> None:
    told = ByHand()
    told.again.after = "the batch was changed"
    told.backward()
    assert set(told.step()) == {"predicted_change"}
    assert told.watch.asked == [(2.0, 1)]
    assert told.watch.heard == ["backward_begin"]
    told.probe._next_backward(told.loss(), False)
    # d.T H d = 2 |d|^2 = 2, over 2 g.T d = -20
    assert told.watch.rows == [("step_quality", pytest.approx(0.9)), (2, 5)]
    assert (told.watch.charged, told.watch.heard, told.probe._pending) == (1, [], None)
    told.probe._next_backward(told.loss(), False)
    assert told.watch.charged == 1


@pytest.mark.parametrize(
    ("iteration", "opening", "asked"),
    [(5, True, True), (6, True, False), (28, True, True), (30, True, False), (30, False, True)],
)
def test_when_curvature_is_asked_for(iteration: int, opening: bool, asked: bool) -> None:
    told = ByHand()
    told.watch.iteration, told.watch.is_opening = 100 + iteration, opening
    told.watch.opening_began = 100
    told.again.why_not = "compiled"
    told.backward()
    told.step()
    assert bool(told.watch.asked) is asked
    assert told.again.verified == []


def test_why_there_is_no_curvature_either() -> None:
    told = ByHand()
    told.again.why_not = "compiled"
    told.watch.granted = False
    told.backward()
    told.step()
    assert (told.watch.heard, told.watch.why) == ([], {})
    told.probe.on_hook_registered("gradient")
    told.probe.iteration_begins()
    told.backward()
    told.step()
    assert told.watch.why["step_quality"].startswith(
        "the batch can't be evaluated again (compiled); no curvature either: the script has grad"
    )
    told = ByHand()
    told.again.why_not = "compiled"
    told.backward()
    told.step()
    told.probe._next_backward(torch.ones(()), False)
    assert "no curvature either" in told.watch.why["step_quality"]
    assert told.probe.refusal is not None
    assert (told.watch.rows, told.watch.charged) == ([], 1)
    told = ByHand()
    told.again.why_not = "compiled"
    told.backward()
    told.step()
    told.probe.finish()
    assert (told.probe._pending, told.watch.heard, told.probe._loss) == (None, [], None)
