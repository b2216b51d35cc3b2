"""Torch is the same while it is watched, to whoever looks, and exactly as it was afterwards."""

import copy
import gc
import inspect
import pickle
import sys
import types
import weakref
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from assay import seams
from assay.seams.hub import Hub
from assay.seams.patch import Patches

OWNERS = (
    F, torch, torch.Tensor, torch.autograd, torch.jit, torch.func, nn.Module, nn.utils,
    nn.utils.clip_grad, torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler,
    torch.optim.lr_scheduler.ReduceLROnPlateau, torch.utils.data.DataLoader,
    torch.utils.data.dataloader._BaseDataLoaderIter, torch.utils.checkpoint,
    torch.amp.autocast_mode.autocast, torch.amp.GradScaler, torch.random, torch.nn.init,
    torch.no_grad, torch.inference_mode, __import__("random"), __import__("numpy").random,
    torch.distributed.distributed_c10d, torch.nn.parallel.DistributedDataParallel,
    sys.modules["torch.multiprocessing.spawn"].ProcessContext,
)  # fmt: skip


def state():
    """Every attribute of every class and module that a seam might touch, and its code."""
    found = {}
    for owner in OWNERS:
        for name, value in vars(owner).items():
            if name in ("__dict__", "__weakref__", "__annotations__", "__builtins__"):
                continue
            if type(value) is types.FunctionType:
                value = (id(value), value.__code__, value.__kwdefaults__, dict(vars(value)))
            elif type(value) in (staticmethod, classmethod) or issubclass(type(value), Callable):
                value = id(value)
            else:
                continue
            found[getattr(owner, "__name__", owner), name] = value
    hooks = sys.modules["torch.optim.optimizer"]
    found["hooks"] = (
        len(hooks._global_optimizer_pre_hooks),
        len(hooks._global_optimizer_post_hooks),
    )
    return found


@pytest.fixture
def hub():
    hub = Hub(lambda where, error, by: pytest.fail(f"{where}: {error!r}"))
    patches = seams.install(hub)
    yield hub
    patches.undo()
    hub.close()


@pytest.mark.parametrize("seam", [s.__name__.rsplit(".", 1)[-1] for s in seams.ALL])
def test_each_seam_restores_what_it_found(seam):
    before = state()
    hub, patches = Hub(), Patches()
    hub_wants = seams.ALL[[s.__name__.rsplit(".", 1)[-1] for s in seams.ALL].index(seam)]
    hub_wants.install(hub, patches)
    switches = {**hub.switches, **hub.changes.switches, **hub.on_demand}
    for switch in switches.values():
        switch.start()
    during = state()
    patches.undo()
    after = state()
    assert during != before, "the seam touches something that this test does not look at"
    assert after == before


def test_layers_may_go_in_any_order():
    before = state()
    first, second, said = Patches(), Patches(), []

    def make(word):
        def wrapped(original):
            def relu(*args, **kwargs):
                said.append(word)
                return original(*args, **kwargs)

            return relu

        return wrapped

    first.wrap(F, "relu", make("first"))
    second.wrap(F, "relu", make("second"))
    F.relu(torch.zeros(1))
    first.undo()
    F.relu(torch.zeros(1))
    second.undo()
    F.relu(torch.zeros(1))
    assert said == ["second", "first", "second"]
    assert state() == before


def test_what_stood_in_before_stands_in_again_unless_the_function_has_changed():
    def make(original):
        made.append(original)
        return lambda *args, **kwargs: original(*args, **kwargs)

    made, patches, defaults = [], Patches(), F.normalize.__defaults__
    try:
        for _ in range(3):
            patches.wrap(F, "gelu", make)
            patches.wrap(F, "normalize", make)
            patches.undo()
        assert len(made) == 2
        F.normalize.__defaults__ = (1.0, *defaults[1:])
        patches.wrap(F, "normalize", make)
        assert torch.equal(F.normalize(torch.tensor([[3.0, 1.0]])), torch.tensor([[0.75, 0.25]]))
        patches.undo()
        assert len(made) == 3
    finally:
        F.normalize.__defaults__ = defaults


def test_a_function_of_the_users_is_let_go_with_what_it_holds():
    def build():
        weights = nn.Linear(2, 2)

        class Own:
            def step(self):
                return weights

        patches = Patches()
        patches.wrap(Own, "step", lambda original: lambda *args: original(*args))
        assert Own().step() is weights
        patches.undo()
        return weakref.ref(weights)

    held = build()
    gc.collect()
    assert held() is None


def test_functions_stay_who_they_are():
    early, signature = F.cross_entropy, inspect.signature(F.cross_entropy)
    source = inspect.getsource(F.cross_entropy)
    hub = Hub()
    patches = seams.install(hub)
    heard = []
    hub.on("loss", lambda name, *_: heard.append(name))
    try:
        for switch in hub.switches.values():
            switch.start()
        assert F.cross_entropy is early
        assert inspect.signature(F.cross_entropy) == signature
        assert inspect.getsource(F.cross_entropy) == source
        assert inspect.signature(nn.Module.zero_grad).parameters.keys() == {"self", "set_to_none"}
        early(torch.zeros(2, 3), torch.zeros(2, dtype=torch.long))
        for function in (F.cross_entropy, F.relu, torch.tanh, torch.relu, F.gelu):
            assert pickle.loads(pickle.dumps(function)) is function
        assert nn.TransformerEncoderLayer(8, 2).activation_relu_or_gelu == 1
    finally:
        patches.undo()
    assert heard == ["cross_entropy"]


def test_nothing_of_ours_in_what_is_saved(hub):
    hub.on("step_end", lambda optimizer: None)
    for switch in hub.switches.values():
        switch.start()
    model = nn.TransformerEncoderLayer(8, 2, batch_first=True)
    model.act = torch.tanh
    optimizer = torch.optim.Adam(model.parameters())
    F.mse_loss(model(torch.randn(2, 3, 8)), torch.zeros(2, 3, 8)).backward()
    optimizer.step()
    for thing in (model, optimizer, copy.deepcopy(model), copy.deepcopy(optimizer)):
        assert b"assay" not in pickle.dumps(thing)
    again = pickle.loads(pickle.dumps(model))
    assert again.act is torch.tanh
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    assert b"assay" not in pickle.dumps(scheduler.state_dict())


@pytest.mark.filterwarnings("ignore")  # tracing warns of what it can't record
def test_scripting_tracing_and_symbolic_tracing(hub):
    seen = []
    for event in ("loss", "module_end", "activation"):
        hub.on(event, lambda *facts: seen.append(facts))
    for switch in hub.switches.values():
        switch.start()

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            y = torch.tanh(F.relu(self.fc(x)))
            return F.mse_loss(y, x)

    model, x = Model(), torch.randn(2, 4)
    expected = model(x)
    assert seen
    seen.clear()
    scripted, traced = torch.jit.script(model), torch.jit.trace(model, x, check_trace=False)
    symbolic = torch.fx.symbolic_trace(model)
    assert seen == []
    assert [node.op for node in symbolic.graph.nodes].count("call_function") == 3
    for other in (scripted, traced, symbolic):
        torch.testing.assert_close(other(x), expected)


def test_an_error_of_ours_never_reaches_the_user(watched):
    view = watched(
        """
        import sys
        hub = sys.modules["_assay.session"].current().hub
        def broken(*facts): raise RuntimeError("planted")
        for event in list(hub.listeners): hub.on(event, broken, first=True)
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(5):
            optimizer.zero_grad(); loss = F.cross_entropy(model(X), Y); loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0); optimizer.step()
        hub.on_errors = None
        for event in list(hub.listeners): hub.off(event, broken)
        """,
        errors=None,
    )
    assert view.trainings[0].steps == 5
    assert any("planted" in error for error in view.errors)


def test_a_probe_that_breaks_costs_only_itself(watched):
    view = watched(
        """
        import sys
        watch = sys.modules["_assay.session"].current().watch
        gradients = next(p for p in watch.probes if p.name == "gradients")
        gradients._before = None
        gradients.iteration_begins = lambda: None
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(5):
            optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
        """,
        errors=None,
    )
    assert view.trainings[0].steps == 5
    assert view.errors
    assert len(view.trainings[0].series("loss")) == 5


def test_warnings_name_the_users_line(watched, capfd):
    watched("""
        import warnings; warnings.simplefilter("default")
        for _ in range(2):
            F.mse_loss(torch.zeros(3), torch.zeros(3, 1))
        F.mse_loss(torch.zeros(3), torch.zeros(3, 1))
        nn.utils.clip_grad_norm_((p for p in []), 1.0)
        optimizer = torch.optim.SGD(net().parameters(), 0.1)
        torch.optim.lr_scheduler.StepLR(optimizer, 1).step()
    """)
    told = capfd.readouterr().err
    assert told.count("Using a target size") == 2
    assert told.count("train.py:") == 4
    assert "empty generator" in told
    assert "before `optimizer.step()`" in told


def test_system_exit_and_interrupts_pass_through_closures(watched):
    view = watched(
        """
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
        def closure():
            loss = F.cross_entropy(model(X), Y); loss.backward()
            if optimizer.state_steps == 3: raise SystemExit(5)
            optimizer.state_steps += 1
            return loss
        optimizer.state_steps = 0
        while True: optimizer.step(closure)
        """,
        status=5,
    )
    assert view.trainings[0].steps == 3


def test_no_tensor_outlives_its_step(watched, capfd):
    watched("""
        import gc, weakref
        gc.disable()
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        scaler = torch.amp.GradScaler("cpu")
        old, late = [], 0
        for i in range(80):
            x = torch.randn(16, 8); out = model(x); loss = F.cross_entropy(out, Y[:16])
            scaled = scaler.scale(loss)
            optimizer.zero_grad(); scaled.backward(); scaler.step(optimizer); scaler.update()
            old = [weakref.ref(t) for t in (x, out, loss, scaled)]
            del x, out, loss, scaled
            late += sum(ref() is not None for ref in old)
        del model, optimizer
        print("late", late)
    """)
    assert capfd.readouterr().out == "late 0\n"


def test_a_second_thread_never_meets_a_function_without_its_defaults():
    """At each line of putting a layer on and taking it off the function answers as ever."""

    def answer(*, of=42):
        return of

    def layer(original):
        def passed_on(*args, **kwargs):
            return original(*args, **kwargs)

        return passed_on

    class Owner:
        pass

    Owner.answer = answer
    seen = []

    def trace(frame, event, arg):
        if frame.f_code.co_name in ("apply", "suspend", "wrap", "undo"):
            seen.append(answer())
            return trace
        return None

    patches, before = Patches(), sys.gettrace()
    sys.settrace(trace)
    try:
        patches.wrap(Owner, "answer", layer)
        with Patches.paused():
            assert answer() == 42
        patches.undo()
    finally:
        sys.settrace(before)
    assert len(seen) > 20
    assert set(seen) == {42}
    assert answer.__kwdefaults__ == {"of": 42}
