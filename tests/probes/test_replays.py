"""What is asked of a model is right, and nobody notices that it was asked."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from assay.probes.optimizer.step_quality import StepQuality
from assay.replay.measurement import Measurement, When
from assay.replay.replays import Replays
from assay.replay.structure import NotReplayable

ASKED: dict[str, Any] = {}


class Asks(Measurement):
    """Asks whatever the test wants, at every sampled step and evaluation."""

    name, forwards, at = "asks", 2, (When.RARELY, When.AFTER_EVALUATION)
    question: Callable[[Replays], Any] = staticmethod(lambda replays: None)

    def _due(self) -> When | None:
        return When.RARELY

    def _granted(self) -> bool:
        return True

    def measure(self, replays: Replays) -> Iterator[tuple[str, str, Any]]:
        try:
            ASKED.setdefault("answers", []).append(type(self).question(replays))
        except NotReplayable as why:
            ASKED.setdefault("why", []).append(str(why))
            raise
        yield from ()


@pytest.fixture(autouse=True)
def forgotten() -> None:
    ASKED.clear()


def asking(question: Callable[[Replays], Any]) -> type[Asks]:
    return type("AsksThis", (Asks,), {"question": staticmethod(question)})


def everything(replays: Replays) -> Any:
    """All that the service can be asked; what it can't answer, it says."""
    answers: dict[str, Any] = {}
    questions: dict[str, Callable[[], Any]] = {
        "loss": replays.loss,
        "output": replays.output,
        "eval": lambda: replays.loss(mode=False),
        "train": lambda: replays.output(mode=True),
        "grad": lambda: replays.loss(grad=True),
        "half": lambda: replays.output(
            inputs={path: x[: len(x) // 2] for path, x in replays.inputs.items()}, mode=False
        ),
        "zero": lambda: replays.loss(
            inputs={path: torch.zeros_like(x) for path, x in replays.inputs.items()}
        ),
        "targets": lambda: replays.loss(targets=[t.flip(0) for t in replays.targets]),
    }
    for name, question in questions.items():
        try:
            answers[name] = question()
        except NotReplayable as why:
            answers[name] = str(why)
    return answers


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True), nn.Dropout(0.3)
        )
        self.head = nn.Linear(16, 3)
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class Counting(Net):
    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


class Printing(Net):
    def forward(self, x: Tensor) -> Tensor:
        print("called", tuple(x.shape))
        return super().forward(x)


class OtherGenerators(Net):
    def forward(self, x: Tensor) -> Tensor:
        noise = torch.full_like(x, random.random() * 0.01 + float(np.random.rand()) * 0.01)
        return super().forward(x + noise)


class Autocast(Net):
    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            y = super().forward(x)
        return y.float()


class Tries(Net):
    def forward(self, x: Tensor) -> Tensor:
        try:
            return super().forward(x)
        finally:
            self.done = True


class Hooked(Net):
    def __init__(self) -> None:
        super().__init__()
        self.register_forward_hook(self._count)
        self.head.weight.register_hook(lambda gradient: gradient * 1)

    def _count(self, *facts: Any) -> None:
        self.calls += 1


class Siamese(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)


class Output(dict):  # as Hugging Face has it
    pass


class WithLoss(Net):
    """A model that returns its loss among other things."""

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        logits = super().forward(x)
        loss = F.cross_entropy(logits, labels) if labels is not None else None
        return Output(loss=loss, logits=logits)


class Lightning(Net):
    def training_step(self, batch: Any, index: int) -> Tensor:
        x, y = batch
        loss = F.cross_entropy(self.body_and_head(x), y)
        self.logged = loss.item()
        return loss

    def body_and_head(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


def plain_loss(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x), y)


def siamese(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    first, second = model(x), model(x.flip(0))
    return F.cosine_embedding_loss(first, second, y.float().sign()) + 0.1 * first.pow(2).mean()


def own_loss(model: Any, x: Tensor, y: Tensor) -> Tensor:
    return model(x, labels=y)["loss"]


def step_of_lightning(model: Any, x: Tensor, y: Tensor) -> Tensor:
    return model.training_step((x, y), 0)


def two_losses(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    out = model(x)
    return F.cross_entropy(out, y) + 0.5 * F.mse_loss(out, F.one_hot(y, 3).float())


def outside_autocast(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        return F.cross_entropy(model(x), y)


CASES: dict[str, tuple[type[Net], Callable[..., Tensor]]] = {
    "plain": (Net, plain_loss),
    "counts its calls": (Counting, plain_loss),
    "prints": (Printing, plain_loss),
    "python's and numpy's generators": (OtherGenerators, plain_loss),
    "autocast inside": (Autocast, plain_loss),
    "autocast outside": (Net, outside_autocast),
    "try": (Tries, plain_loss),
    "hooks": (Hooked, plain_loss),
    "siamese": (Siamese, siamese),
    "returns its loss": (WithLoss, own_loss),
    "training_step": (Lightning, step_of_lightning),
    "two losses": (Net, two_losses),
}


def train(make: type[Net], loss_of: Callable[..., Tensor], *, steps: int = 6) -> dict[str, Any]:
    """Trains and evaluates; returns all that could show that somebody looked."""
    torch.manual_seed(0)
    random.seed(0)
    np.random.seed(0)
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    seen: dict[str, Any] = {"losses": [], "held out": [], "grads": []}
    for _ in range(steps):
        x, y = torch.randn(12, 8), torch.randint(0, 3, (12,))
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        seen["grads"] += [p.grad.clone() for p in model.parameters() if p.grad is not None]
        seen["autocast"] = torch.is_autocast_enabled("cpu"), torch.is_autocast_cache_enabled()
        optimizer.step()
        seen["losses"].append(loss.item())
        model.eval()
        with torch.no_grad():
            seen["held out"].append(loss_of(model, torch.randn(12, 8), y).item())
        seen["modes"] = [m.training for m in model.modules()]
        seen["grad mode"] = torch.is_grad_enabled()
        model.train()
    seen["state"] = {k: v.clone() for k, v in model.state_dict().items()}
    seen["own"] = model.calls, getattr(model, "logged", None)
    seen["dice"] = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    return seen


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = list(one.values()), list(other.values())
    if isinstance(one, Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, np.ndarray):
        assert (one == other).all()
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)
    else:
        assert one == other


@pytest.mark.parametrize("case", CASES)
def test_nobody_notices_and_step_quality_is_judged(
    watched: Any, case: str, capfd: pytest.CaptureFixture[str]
) -> None:
    make, loss_of = CASES[case]
    plain = train(make, loss_of)
    printed = capfd.readouterr()
    with watched(StepQuality, asking(everything)) as seen:
        observed = train(make, loss_of)
    assert capfd.readouterr() == printed
    assert_same(observed, plain)
    assert len(ASKED["answers"]) >= 6
    training = seen.view.trainings[0]
    if case != "training_step":  # no root is called there: its parts are, and they are several
        assert len(training.series("step_quality").finite()) == 6


def test_what_is_asked_is_answered_right(watched: Any) -> None:
    torch.manual_seed(0)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.randn(12, 8), torch.randint(0, 3, (12,))
    with watched(asking(everything)):
        dice = torch.get_rng_state()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
    (answers,) = ASKED["answers"]
    expected = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    assert answers["loss"] == loss.detach()
    torch.set_rng_state(dice)
    assert torch.equal(answers["output"][0], model(x).detach())
    torch.set_rng_state(dice)
    assert torch.equal(answers["zero"], F.cross_entropy(model(torch.zeros_like(x)), y).detach())
    torch.set_rng_state(dice)
    assert torch.equal(answers["targets"], F.cross_entropy(model(x), y.flip(0)).detach())
    assert answers["grad"] == loss.detach()
    assert answers["grad"].requires_grad
    assert len(expected) == 6
    del optimizer


def test_what_torch_fills_unseen_is_played_as_it_was(watched: Any) -> None:
    """Lengths that ctc_loss is given as numbers become a tensor without any operation."""
    torch.manual_seed(0)
    model = nn.Linear(8, 5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def again(replays: Replays) -> Any:
        waste = [torch.full((size,), 7) for size in (1, 2, 3, 4, 8) for _ in range(50)]
        del waste  # memory that an empty tensor finds is not what it was
        return replays.loss()

    with watched(asking(again)):
        logits = model(torch.randn(6, 3, 8)).log_softmax(2)
        loss = F.ctc_loss(logits, torch.tensor([[1, 2], [3, 1], [4, 4]]), (6,) * 3, (2, 1, 2))
        loss.backward()
    assert ASKED["answers"] == [loss.detach()]
    del optimizer


def test_what_is_filled_part_by_part_is_played_again(watched: Any) -> None:
    """A circular padding is made empty, and written by views of it."""
    torch.manual_seed(0)
    model = nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watched(asking(lambda replays: replays.loss())):
        loss = model(torch.randn(4, 2, 6)).square().mean()
        loss.backward()
    assert ASKED["answers"] == [loss.detach()]
    del optimizer


@pytest.mark.parametrize("make", [Net, Counting])
def test_gradients_of_a_replay_are_those_of_the_script(watched: Any, make: type[Net]) -> None:
    def gradients(replays: Replays) -> Any:
        loss = replays.loss(grad=True)
        with torch.enable_grad():
            weights = leaves_of(loss)
            return weights, torch.autograd.grad(loss, weights)

    torch.manual_seed(0)
    model = make()
    with watched(asking(gradients)):
        F.cross_entropy(model(torch.randn(12, 8)), torch.randint(0, 3, (12,))).backward()
    ((weights, found),) = ASKED["answers"]
    expected = {p.data_ptr(): p.grad for p in model.parameters()}
    assert len(weights) == len(expected)
    for weight, gradient in zip(weights, found, strict=True):
        assert torch.equal(expected[weight.data_ptr()], gradient)


def leaves_of(loss: Tensor) -> list[Tensor]:
    from assay.watching.leaves import leaves_below

    return leaves_below([loss])


def test_a_compiled_model_is_refused(watched: Any) -> None:
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watched(asking(everything)) as seen:
        torch.compile(model, backend="eager")
        F.cross_entropy(model(torch.randn(12, 8)), torch.zeros(12).long()).backward()
        optimizer.step()
    assert all(isinstance(a, str) for answers in ASKED["answers"] for a in answers.values())
    assert seen.watch.sampling.recording is None


def test_distributed_training_is_refused(watched: Any, tmp_path: Any) -> None:
    import torch.distributed as dist

    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1)
    try:
        model = nn.parallel.DistributedDataParallel(Net())
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with watched(asking(everything)):
            F.cross_entropy(model(torch.randn(12, 8)), torch.zeros(12).long()).backward()
            optimizer.step()
    finally:
        dist.destroy_process_group()
    assert ASKED["answers"][0]["loss"] == "training is distributed"


def test_a_batch_changed_in_place_by_the_model_is_played_on_a_copy(watched: Any) -> None:
    class Shifts(Net):
        def forward(self, x: Tensor) -> Tensor:
            x += 1
            return super().forward(x)

    torch.manual_seed(0)
    model = Shifts()
    x = torch.zeros(12, 8)
    with watched(asking(lambda replays: (replays.loss(), replays.recorded))):
        F.cross_entropy(model(x), torch.zeros(12).long()).backward()
    ((again, recorded),) = ASKED["answers"]
    assert torch.equal(again, recorded)
    assert torch.equal(x, torch.ones(12, 8))


@pytest.mark.parametrize("kind", ["weights", "generator", "large", "values"])
def test_what_can_not_be_computed_again_is_refused(watched: Any, kind: str) -> None:
    generator = torch.Generator().manual_seed(0)

    class Odd(Net):
        def forward(self, x: Tensor) -> Tensor:
            if kind == "weights":
                with torch.no_grad():
                    self.head.weight.clamp_(-1, 1)
            if kind == "generator":
                x = x + torch.randn(x.shape, generator=generator)
            if kind == "large":
                torch.add(BIG, 1, out=BIG)
            y = super().forward(x)
            if kind == "values":
                y = y * (2 if y.detach().sum().item() < self.limit else 1)
            return y

    model = Odd()
    model.limit = 1e9
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watched(StepQuality) as seen:
        for _ in range(2):
            loss = F.cross_entropy(model(torch.randn(12, 8)), torch.zeros(12).long())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert len(seen.view.trainings[0].series("actual_change")) == 0


BIG = torch.zeros(17 * 2**20)


def test_no_more_is_held_than_said(watched: Any) -> None:
    """Evaluating with gradients on, thousands of batches without a step, holds no more of them."""
    import gc
    import weakref

    model = Net()
    alive: list[Any] = []
    with watched(StepQuality):
        for _ in range(30):
            x = torch.zeros(2**18, 8)  # 8 MiB
            alive.append(weakref.ref(x))
            model.head(x[:, :8].repeat(1, 2)[:4])
            model(x[:4] + x[-4:])
            nn.Linear(8, 1)(x)
        gc.collect()
        del x
        held = sum(ref() is not None for ref in alive)
    assert held * 8 <= 256 + 16
    F.cross_entropy(model(torch.randn(4, 8)), torch.zeros(4).long()).backward()
