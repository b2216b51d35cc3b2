"""On each of two ranks: trainings by hand and the same with a trick; writes what came of each.

Started once by test_two_ranks.py, as `two_ranks.py FOLDER`. Each case is a plain loop, the trick
that is put on it, and what a person writes instead.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

sys.path.insert(0, str(Path(__file__).parent))

from suite import in_script

from assay.tricks.base import TrickError

EPOCHS, ROWS, CLASSES = 4, 8, 3


class Loop:
    """A plain DDP training of some epochs; a subclass writes a trick by hand."""

    own_sampler = False
    batches = 6
    ignored = 0  # labels of rank 1 that count for nothing
    spoilt: tuple[int, ...] = ()  # steps at which rank 1 has a bad batch
    evaluating_ranks: tuple[int, ...] = (0, 1)
    rows_of_rank = (ROWS, ROWS)

    def __init__(self, rank: int) -> None:
        self.rank, self.losses, self.held, self.synced = rank, [], [], []
        self.steps = 0
        self.seed()
        model = nn.Sequential(
            nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, CLASSES)
        )
        self.model = self.wrapped(model)
        self.optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        draw = torch.Generator().manual_seed(1)
        rows = self.rows_of_rank[rank]
        x = torch.randn(2, self.batches * ROWS, 6, generator=draw)
        y = x[..., :CLASSES].argmax(-1)
        if self.own_sampler:
            data = TensorDataset(x.flatten(0, 1), y.flatten())
            self.sampler = DistributedSampler(data, shuffle=False)
            self.loader = DataLoader(data, ROWS, sampler=self.sampler)
        else:
            mine = y[rank].clone()
            if rank == 1 and self.ignored:
                mine.view(self.batches, ROWS)[:, : self.ignored] = -100
            self.loader = DataLoader(TensorDataset(x[rank], mine), rows)
        self.held_out = torch.randn(12 + 4 * rank, 6, generator=draw)
        # noise of labels that no training learns: the held-out loss rises in the end
        self.held_out_y = torch.randint(CLASSES, (12 + 4 * rank,), generator=draw)
        self.built()

    def seed(self) -> None:
        torch.manual_seed(0)

    def wrapped(self, model: nn.Module) -> nn.Module:
        model.register_forward_pre_hook(lambda *_: self.note_sync())
        return DistributedDataParallel(model, broadcast_buffers=False)

    def note_sync(self) -> None:
        if torch.is_grad_enabled():
            self.synced.append(getattr(self.model, "require_backward_grad_sync", None))

    def built(self) -> None:
        """The model and the optimizer are there."""

    def epoch_begins(self, epoch: int) -> None:
        """A pass over the data begins."""

    def batch(self, x: Any, y: Any) -> None:
        self.optimizer.zero_grad()
        loss = F.cross_entropy(self.model(x), y)
        loss.backward()
        self.averaged()
        self.losses.append(loss.item())
        self.step()

    def averaged(self) -> None:
        """Gradients of all ranks are averaged; by backward() here."""

    def step(self) -> None:
        self.optimizer.step()

    def evaluate(self) -> tuple[float, int]:
        self.model.eval()
        with torch.no_grad():
            loss = F.cross_entropy(self.model(self.held_out), self.held_out_y).item()
        self.model.train()
        return loss * len(self.held_out), len(self.held_out)

    def evaluated(self, total: float, count: int) -> bool:
        """What comes of an evaluation: whether to stop."""
        return False

    def run(self) -> Loop:
        for epoch in range(EPOCHS):
            self.epoch_begins(epoch)
            for x, y in self.loader:
                if self.steps in self.spoilt and self.rank == 1:
                    x = x * math.nan
                self.steps += 1
                self.batch(x, y)
            total, count = self.evaluate() if self.rank in self.evaluating_ranks else (0.0, 0)
            self.held.append(total)
            if self.evaluated(total, count):
                break
        return self

    def weights(self) -> list[torch.Tensor]:
        return [local(value).clone() for value in self.model.state_dict().values()]


def local(value: torch.Tensor) -> torch.Tensor:
    """The numbers that this rank holds."""
    return value.detach().to_local() if hasattr(value, "to_local") else value.detach()


def clipping(kind: type[Loop]) -> type[Loop]:
    class Clipped(kind):  # type: ignore[misc, valid-type]
        def step(self) -> None:
            nn.utils.clip_grad_norm_(self.model.parameters(), 0.1)
            super().step()

    return Clipped


class Sharded(Loop):
    def wrapped(self, model: nn.Module) -> nn.Module:
        fully_shard(model, mesh=init_device_mesh("cpu", (2,)))
        return model


class SpoiltShards(Sharded):
    spoilt = (3, 4, 9)


class Gathered(Loop):
    """Three batches a step, averaged over ranks once."""

    size = 3
    waiting = 0

    def batch(self, x: Any, y: Any) -> None:
        last = self.waiting == self.size - 1
        with contextlib.nullcontext() if last else self.model.no_sync():
            loss = F.cross_entropy(self.model(x), y)
            (loss / self.size).backward()
        self.losses.append(loss.item())
        self.waiting = 0 if last else self.waiting + 1
        if last:
            self.optimizer.step()
            self.optimizer.zero_grad()


class Uneven(Loop):
    """Other numbers of targets on each rank, and a last window that is cut short."""

    ignored, batches = 3, 7


class GatheredUneven(Uneven):
    """The mean over all targets of all ranks in up to three batches."""

    def epoch_begins(self, epoch: int) -> None:
        self.window: list[Any] = []

    def batch(self, x: Any, y: Any) -> None:
        self.window.append((x, y))
        if len(self.window) < 3 and self.steps % self.batches:
            return
        counts = torch.tensor([float(sum((y >= 0).sum() for _, y in self.window))])
        dist.all_reduce(counts)
        for number, (x, y) in enumerate(self.window):
            last = number == len(self.window) - 1
            with contextlib.nullcontext() if last else self.model.no_sync():
                loss = F.cross_entropy(self.model(x), y, reduction="sum")
                (2 * loss / counts[0]).backward()
            self.losses.append(loss.item() / (y >= 0).sum().item())
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.window = []


class Averaged(Loop):
    def built(self) -> None:
        self.average = [p.detach().clone() for p in self.model.parameters()]

    def step(self) -> None:
        super().step()
        decay = min(0.9, (1 + self.steps) / (10 + self.steps))
        with torch.no_grad():
            for mean, p in zip(self.average, self.model.parameters(), strict=True):
                mean.lerp_(p, 1 - decay)

    def evaluate(self) -> tuple[float, int]:
        own = [p.detach().clone() for p in self.model.parameters()]
        self.put(self.average)
        result = super().evaluate()
        self.put(own)
        return result

    @torch.no_grad()
    def put(self, values: list[torch.Tensor]) -> None:
        for p, value in zip(self.model.parameters(), values, strict=True):
            p.copy_(value)

    def weights(self) -> list[torch.Tensor]:
        self.put(self.average)  # what a saved model holds
        return super().weights()


class Stopped(Loop):
    best, waited = math.inf, 0

    def evaluated(self, total: float, count: int) -> bool:
        both = torch.tensor([total, count], dtype=torch.float64)
        dist.all_reduce(both)
        loss = float(both[0] / both[1])
        if loss < self.best:
            self.best, self.waited = loss, 0
            self.kept = copy.deepcopy(self.model.state_dict())
            return False
        self.waited += 1
        if self.waited == 1:
            self.model.load_state_dict(self.kept)
        return self.waited == 1


class OneEvaluates(Loop):
    evaluating_ranks = (0,)

    def weights(self) -> list[torch.Tensor]:
        """Without running statistics, which a rank that does not evaluate takes a batch later."""
        return [p.detach().clone() for p in self.model.parameters()]


class StoppedByOne(OneEvaluates, Stopped):
    pass


class Spoilt(Loop):
    spoilt = (3, 4, 9)


class SpoiltAlone(Spoilt):
    """Averaged by hand, and not the first layer: its gradients are bad on one rank alone."""

    def wrapped(self, model: nn.Module) -> nn.Module:
        return model

    def averaged(self) -> None:
        for name, p in self.model.named_parameters():
            if not name.startswith("0."):
                p.grad.nan_to_num_()
                dist.all_reduce(p.grad)
                p.grad /= 2


def skipping(kind: type[Loop]) -> type[Loop]:
    class Skipping(kind):  # type: ignore[misc, valid-type]
        def step(self) -> None:
            norms = [local(p.grad).norm() for p in self.model.parameters()]
            bad = torch.tensor([float(not torch.stack(norms).isfinite().all())])
            dist.all_reduce(bad, op=dist.ReduceOp.MAX)
            if not bad:
                super().step()

    return Skipping


class Half(Loop):
    dtype = torch.bfloat16

    def built(self) -> None:
        self.scaler = torch.amp.GradScaler("cpu", enabled=self.dtype == torch.float16)

    def batch(self, x: Any, y: Any) -> None:
        self.optimizer.zero_grad()
        with torch.autocast("cpu", self.dtype):
            loss = F.cross_entropy(self.model(x), y)
        self.scaler.scale(loss).backward()
        self.losses.append(loss.item())
        self.scaler.step(self.optimizer)
        self.scaler.update()

    def evaluate(self) -> tuple[float, int]:
        with torch.autocast("cpu", self.dtype):
            return super().evaluate()


class SpoiltHalf(Half):
    dtype, spoilt = torch.float16, (3, 4, 9)


class Unequal(Loop):
    rows_of_rank = (ROWS, ROWS - 2)
    batches = 3  # and the same number of batches on both

    def run(self) -> Loop:
        self.loader = list(self.loader)[: self.batches]
        return super().run()


class Scaled(Unequal):
    def built(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] *= (2 * ROWS - 2) / 4


class SeededByRank(Loop):
    def seed(self) -> None:
        torch.manual_seed(self.rank)


class SeededAnew(Loop):
    def seed(self) -> None:
        torch.manual_seed(7 + self.rank)


class InOrder(Loop):
    own_sampler = True


class Shuffled(InOrder):
    def built(self) -> None:
        self.sampler.shuffle = True

    def epoch_begins(self, epoch: int) -> None:
        self.sampler.set_epoch(epoch)


class Apart(Loop):
    def wrapped(self, model: nn.Module) -> nn.Module:
        return model


class Joined(Loop):
    def run(self) -> Loop:
        with self.model.join():
            return super().run()


CASES: dict[str, tuple[type[Loop], str, type[Loop], float]] = {
    "clip-norm": (Loop, "clip-norm=0.1", clipping(Loop), 0.0),
    "clip-norm, shards": (Sharded, "clip-norm=0.1", clipping(Sharded), 0.0),
    "accumulate": (Loop, "accumulate=3", Gathered, 0.0),
    "accumulate, uneven": (Uneven, "accumulate=3", GatheredUneven, 1e-5),
    "ema": (Loop, "ema=0.9", Averaged, 0.0),
    "early-stop": (Loop, "early-stop=1", Stopped, 0.0),
    "early-stop, one rank evaluates": (OneEvaluates, "early-stop=1", StoppedByOne, 0.0),
    "skip-non-finite": (Spoilt, "skip-non-finite", skipping(Spoilt), 0.0),
    "skip-non-finite, on one rank": (SpoiltAlone, "skip-non-finite", skipping(SpoiltAlone), 0.0),
    "skip-non-finite, shards": (SpoiltShards, "skip-non-finite", skipping(SpoiltShards), 0.0),
    "amp": (Loop, "amp=bf16", Half, 0.0),
    "amp, overflows": (Spoilt, "amp=fp16", SpoiltHalf, 0.0),
    "scale-lr-with-batch": (Unequal, "scale-lr-with-batch=4", Scaled, 0.0),
    "seed": (SeededByRank, "seed=7", SeededAnew, 0.0),
    "shuffle": (InOrder, "shuffle", Shuffled, 0.0),
}
REFUSED: dict[str, tuple[type[Loop], str]] = {
    "early-stop": (Apart, "early-stop"),
    "skip-non-finite": (Apart, "skip-non-finite"),
    "amp": (Apart, "amp=fp16"),
    "scale-lr-with-batch": (Apart, "scale-lr-with-batch=4"),
    "accumulate": (Joined, "accumulate=3"),
    "ema": (Sharded, "ema=0.9"),
}


def compare(rank: int, plain: type[Loop], trick: str, hand: type[Loop], tolerance: float) -> Any:
    own, expected = plain(rank).run(), hand(rank).run()
    with in_script(trick):
        found = plain(rank).run()
        weights = found.weights()
    parts = dict(zip(("weights", "losses", "held", "synced"), (True,) * 4, strict=True))
    close: Callable[[Any, Any], bool] = lambda a, b: torch.allclose(  # noqa: E731
        torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64),
        rtol=tolerance, atol=tolerance, equal_nan=True,
    )  # fmt: skip
    parts["weights"] = all(map(close, expected.weights(), weights))
    count = len(expected.losses)  # after a stop the script goes on, with the best weights
    parts["losses"] = close(expected.losses, found.losses[:count])
    parts["held"] = close(expected.held, found.held[: len(expected.held)])
    parts["synced"] = expected.synced == found.synced[: len(expected.synced)]
    changed = own.losses != found.losses or own.held != found.held
    learnt = [local(p) for p in found.model.parameters()]
    digest = [float(p.double().square().sum()) for p in learnt]
    return {**parts, "changed": changed, "digest": digest, "steps": count}


def refusal(rank: int, plain: type[Loop], trick: str) -> str:
    try:
        with in_script(trick):
            plain(rank).run()
    except TrickError as error:
        return str(error)
    return "not refused"


def worker(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/m", rank=rank, world_size=2)
    found = {
        "same": {name: compare(rank, *case) for name, case in CASES.items()},
        "refused": {name: refusal(rank, *case) for name, case in REFUSED.items()},
    }
    Path(folder, f"{rank}.json").write_text(json.dumps(found))
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.start_processes(worker, args=(sys.argv[1],), nprocs=2, start_method="fork")
