"""Trainings that others run for the user: their steps are found without a word from us."""

import subprocess
import sys
import textwrap

import pytest

from assay.checks.registry import CHECKS
from assay.diagnosis import diagnose
from assay.observe import observe

pytestmark = [pytest.mark.clients, pytest.mark.timeout(900)]

HEAD = """
import os, warnings
warnings.simplefilter("ignore")
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(0); torch.set_num_threads(1)
X = torch.randn(64, 8); Y = torch.randint(0, 3, (64,))
def net(): return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
def data(): return torch.utils.data.TensorDataset(X, Y)
"""


@pytest.fixture
def watched(tmp_path, monkeypatch):
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "ACCELERATE_USE_CPU", "WANDB_DISABLED"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)

    def run(text, *words):
        script = tmp_path / "train.py"
        script.write_text(HEAD + textwrap.dedent(text))
        observed = observe([*words, str(script)], run_dir=tmp_path / "run")
        assert observed.outcome.exit_code == 0
        assert observed.view.errors == []
        return observed.view

    return run


def test_lightning(watched):
    pytest.importorskip("lightning")
    view = watched("""
        import lightning as L
        class Model(L.LightningModule):
            def __init__(self):
                super().__init__(); self.net = net()
            def training_step(self, batch, index):
                return F.cross_entropy(self.net(batch[0]), batch[1])
            def validation_step(self, batch, index):
                self.log("val", F.cross_entropy(self.net(batch[0]), batch[1]))
            def configure_optimizers(self): return torch.optim.Adam(self.parameters(), 1e-2)
        trainer = L.Trainer(max_epochs=3, accelerator="cpu", logger=False, gradient_clip_val=1.0,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
            accumulate_grad_batches=2)
        loader = torch.utils.data.DataLoader(data(), batch_size=8)
        trainer.fit(Model(), loader, loader)
        assert trainer.global_step == 12
    """)
    (training,) = view.trainings
    assert (training.optimizer, training.steps) == ("Adam", 12)
    assert len(training.series("loss")) == 12
    assert 0.8 < training.series("loss").first < 1.5
    assert "net.0.weight" in training.places("grad_norm")
    assert training.evaluations


def test_lightning_calls_its_training_step_in_a_closure_and_its_steps_are_judged(watched):
    pytest.importorskip("lightning")
    view = watched("""
        import lightning as L
        class Model(L.LightningModule):
            def __init__(self):
                super().__init__(); self.net = net(); self.calls = 0
            def training_step(self, batch, index):
                self.calls += 1
                loss = F.cross_entropy(self.net(batch[0]), batch[1])
                self.log("train", loss)
                return loss + 0.01 * self.net[0].weight.pow(2).sum()
            def configure_optimizers(self): return torch.optim.Adam(self.parameters(), 1e-2)
        model = Model()
        trainer = L.Trainer(max_epochs=2, accelerator="cpu", logger=False,
            enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
        trainer.fit(model, torch.utils.data.DataLoader(data(), batch_size=8))
        assert model.calls == 16
    """)
    (training,) = view.trainings
    assert len(training.series("step_quality").finite()) >= 10  # of 8, and of every other later


def test_hugging_face_trainer(watched):
    pytest.importorskip("transformers")
    view = watched("""
        from transformers import Trainer, TrainingArguments
        from transformers import BertConfig, BertForSequenceClassification
        config = BertConfig(vocab_size=30, hidden_size=16, num_hidden_layers=1,
            num_attention_heads=2, intermediate_size=16, max_position_embeddings=16, num_labels=3)
        model = BertForSequenceClassification(config)
        rows = [{"input_ids": torch.randint(0, 30, (8,)), "labels": int(y)} for y in Y]
        arguments = TrainingArguments("out", per_device_train_batch_size=8, max_steps=10,
            use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True)
        Trainer(model, arguments, train_dataset=rows).train()
    """)
    (training,) = view.trainings
    assert (training.optimizer, training.steps) == ("AdamW", 10)
    assert len(training.series("loss")) == 10
    assert 0.7 < training.series("loss").first < 1.5
    assert "bert.embeddings.word_embeddings.weight" in training.places("weight_norm")
    assert len(training.series("actual_change")) >= 5  # the model returns its loss


def test_accelerate(watched):
    pytest.importorskip("accelerate")
    view = watched("""
        from accelerate import Accelerator
        accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
        loader = torch.utils.data.DataLoader(data(), batch_size=8, shuffle=True)
        model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
        for _ in range(5):
            for x, y in loader:
                with accelerator.accumulate(model):
                    loss = F.cross_entropy(model(x), y)
                    accelerator.backward(loss)
                    if accelerator.sync_gradients:
                        accelerator.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step(); optimizer.zero_grad()
    """)
    (training,) = view.trainings
    assert (training.optimizer, training.steps) == ("SGD", 20)
    assert set(training.places("update_norm")) == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_torchrun_records_both_ranks(watched):
    view = watched(
        """
        import torch.distributed as dist
        dist.init_process_group("gloo")
        model = nn.parallel.DistributedDataParallel(net())
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(12 + dist.get_rank() * 0):
            optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
        dist.destroy_process_group()
        """,
        "--",
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc-per-node",
        "2",
        "--standalone",  # at a port that is free: a number of ours may be taken
    )
    assert sorted((t.rank, t.steps) for t in view.trainings) == [(0, 12), (1, 12)]
    places = {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert all(set(t.places("update_norm")) == places for t in view.trainings)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_trainings_in_child_processes(watched, method):
    view = watched(f"""
        import torch.multiprocessing as mp
        def train(rank, steps):
            model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(steps):
                optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
        if __name__ == "__main__":
            train(0, 3)
            mp.start_processes(train, args=(40,), nprocs=2, start_method={method!r})
            train(0, 2)
    """)
    assert sorted(t.steps for t in view.trainings) == [2, 3, 40, 40]
    assert all(32 <= len(t.series("grad_norm")) <= t.steps for t in view.trainings if t.steps > 3)


def test_rank_is_known_where_only_the_process_group_knows_it(watched):
    # they meet in a file: a store that rank 0 serves is gone once it has trained, and on a busy
    # machine the other one may still be on its way through init_process_group
    view = watched("""
        import torch.multiprocessing as mp, torch.distributed as dist
        def train(rank):
            address = "file://" + os.path.abspath("meeting")
            dist.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
            model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(5):
                optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
        if __name__ == "__main__":
            mp.spawn(train, nprocs=2)
    """)
    assert sorted(t.rank for t in view.trainings) == [0, 1]


# -- two ranks -------------------------------------------------------------------------------------

ENDS = """
rank = int(os.environ.get("RANK", 0))
def told(model):
    with open(f"{os.environ['TOLD']}-{rank}", "w") as file:
        for p in model.parameters():
            print([float(x).hex() for x in p.detach().flatten()], file=file)
        print(torch.rand(3), file=file)
"""


@pytest.fixture
def on_two_ranks(watched, tmp_path, monkeypatch):
    """Runs under torchrun, without assay and with it: the same weights on both ranks."""

    def run(text, *flags):
        torchrun = sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"
        words = ("--", *torchrun, "--standalone", *flags)
        monkeypatch.setenv("TOLD", str(tmp_path / "watched"))
        view = watched(ENDS + textwrap.dedent(text), *words)
        monkeypatch.setenv("TOLD", str(tmp_path / "plain"))
        subprocess.run([*words[1:], str(tmp_path / "train.py")], check=True, timeout=600)
        for rank in (0, 1):
            both = [(tmp_path / f"{name}-{rank}").read_text() for name in ("plain", "watched")]
            assert both[0] == both[1]
        assert {(t.rank, t.steps) for t in view.trainings} == {(0, 16), (1, 16)}
        assert len(list(view.events("replicated"))) == 2
        found = [f for f in diagnose(view, CHECKS).findings if f.severity == "error"]
        assert found == []
        judged = set(diagnose(view, CHECKS).silent)
        assert {"replicas-diverged", "gradient-sum-not-mean", "ranks-see-same-data"} <= judged
        return view

    return run


def test_lightning_on_two_ranks(on_two_ranks):
    pytest.importorskip("lightning")
    on_two_ranks("""
        import lightning as L
        class Model(L.LightningModule):
            def __init__(self):
                super().__init__(); self.net = net()
            def training_step(self, batch, index):
                return F.cross_entropy(self.net(batch[0]), batch[1])
            def configure_optimizers(self): return torch.optim.Adam(self.parameters(), 1e-2)
        model = Model()
        trainer = L.Trainer(max_epochs=4, accelerator="cpu", devices=2, strategy="ddp",
            logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False)
        trainer.fit(model, torch.utils.data.DataLoader(data(), batch_size=8, shuffle=True))
        told(model)
    """)


def test_hugging_face_trainer_on_two_ranks(on_two_ranks):
    pytest.importorskip("transformers")
    on_two_ranks("""
        from transformers import Trainer, TrainingArguments
        from transformers import BertConfig, BertForSequenceClassification
        config = BertConfig(vocab_size=30, hidden_size=16, num_hidden_layers=1,
            num_attention_heads=2, intermediate_size=16, max_position_embeddings=16, num_labels=3)
        model = BertForSequenceClassification(config)
        rows = [{"input_ids": torch.randint(0, 30, (8,)), "labels": int(y)} for y in Y]
        arguments = TrainingArguments("out", per_device_train_batch_size=8, max_steps=16,
            use_cpu=True, ddp_backend="gloo", report_to=[], save_strategy="no", disable_tqdm=True)
        Trainer(model, arguments, train_dataset=rows).train()
        told(model)
    """)


def test_accelerate_on_two_ranks(on_two_ranks):
    pytest.importorskip("accelerate")
    on_two_ranks("""
        from accelerate import Accelerator
        accelerator = Accelerator(cpu=True)
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
        loader = torch.utils.data.DataLoader(data(), batch_size=8, shuffle=True)
        model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
        for _ in range(4):
            for x, y in loader:
                accelerator.backward(F.cross_entropy(model(x), y))
                accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step(); optimizer.zero_grad()
        told(model)
    """)
