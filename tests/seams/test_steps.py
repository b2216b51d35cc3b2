"""The step is found, whatever the form of the loop."""

import math

import pytest


def only(view):
    (training,) = view.trainings
    return training


@pytest.mark.parametrize(
    "clear",
    [
        "optimizer.zero_grad(); loss.backward(); optimizer.step()",
        "optimizer.zero_grad(set_to_none=False); loss.backward(); optimizer.step()",
        "loss.backward(); optimizer.step(); optimizer.zero_grad()",
        "model.zero_grad(); torch.autograd.backward(loss); optimizer.step()",
        "torch.autograd.backward([loss / 2, loss / 2]); optimizer.step(); model.zero_grad()",
    ],
)
def test_plain_loop(watched, clear):
    view = watched(f"""
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
        losses = []
        for _ in range(50):
            loss = F.cross_entropy(model(X), Y)
            {clear}
            losses.append(loss.item())
    """)
    training = only(view)
    assert (training.optimizer, training.steps) == ("SGD", 50)
    losses = training.series("loss")
    assert len(losses) == 50
    assert losses.first > losses.last
    assert set(training.places("update_norm")) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert all(value == 0 for _, value in training.series("stale_grad_norm"))


def test_stale_gradients_are_measured(watched):
    training = only(
        watched("""
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(10):
            F.cross_entropy(model(X), Y).backward(); optimizer.step()
    """)
    )
    assert training.series("stale_grad_norm").last > 0


def test_accumulation_adds_losses_up(watched):
    training = only(
        watched("""
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.0)
        for _ in range(10):
            for part in range(4):
                (F.cross_entropy(model(X), Y) / 4).backward()
            optimizer.step(); optimizer.zero_grad()
        print(F.cross_entropy(model(X), Y).item())
    """)
    )
    assert training.steps == 10
    assert training.series("loss").first == pytest.approx(training.series("loss").last, rel=1e-6)
    assert 0.9 < training.series("loss").first < 1.4


def test_closure_is_one_step_with_the_loss_it_began_with(watched, capfd):
    training = only(
        watched("""
        model = net(); optimizer = torch.optim.LBFGS(model.parameters(), max_iter=6)
        first = []
        def closure():
            optimizer.zero_grad(); loss = F.cross_entropy(model(X), Y); loss.backward()
            seen.append(loss.item()); return loss
        for i in range(8):
            seen = []
            value = optimizer.step(closure)
            assert value.item() == seen[0]
            first.append(seen[0])
        print(*first)
    """)
    )
    told = [float(word) for word in capfd.readouterr().out.split()]
    assert (training.optimizer, training.steps) == ("LBFGS", 8)
    assert list(training.series("loss").values) == pytest.approx(told, rel=1e-6)
    assert len(training.series("grad_norm")) == 8


def test_a_closure_that_raises_costs_no_later_step(watched):
    training = only(
        watched("""
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
        class Mine(Exception): pass
        def closure():
            raise Mine
        for _ in range(10):
            for error in (Mine,):
                try: optimizer.step(closure)
                except Mine: pass
            optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
    """)
    )
    assert training.steps == 10
    assert len(training.series("loss")) == 10


def test_two_optimizers_after_one_backward_share_the_loss(watched):
    view = watched("""
        a, b = nn.Linear(8, 16), nn.Linear(16, 3)
        one, two = torch.optim.SGD(a.parameters(), 0.1), torch.optim.Adam(b.parameters())
        for _ in range(20):
            one.zero_grad(); two.zero_grad()
            F.cross_entropy(b(a(X).relu()), Y).backward()
            one.step(); two.step()
    """)
    assert [(t.optimizer, t.steps) for t in view.trainings] == [("SGD", 20), ("Adam", 20)]
    first, second = view.trainings
    assert list(first.series("loss")) == list(second.series("loss"))


def test_adversaries_have_losses_of_their_own(watched):
    view = watched("""
        g, d = nn.Linear(4, 8), nn.Linear(8, 1)
        og, od = torch.optim.SGD(g.parameters(), 0.0), torch.optim.SGD(d.parameters(), 0.0)
        for _ in range(20):
            od.zero_grad(); (d(X).mean() * 0 + 2.0).backward(); od.step()
            og.zero_grad(); (d(g(X[:, :4])).mean() * 0 + 5.0).backward(); og.step()
    """)
    assert [set(t.series("loss").values) for t in view.trainings] == [{2.0}, {5.0}]


def test_scaler_losses_are_unscaled_and_skipped_steps_are_no_steps(watched):
    view = watched("""
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for i in range(30):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X * (float("inf") if i % 10 == 3 else 1.0)), Y)
            scaler.scale(loss).backward(); scaler.step(optimizer); scaler.update()
    """)
    training = only(view)
    assert training.steps == 27
    assert all(0 < value < 3 for value in training.series("loss").values)
    assert len(list(view.events("step_skipped"))) == 3


def test_nested_steps_are_one(watched):
    training = only(
        watched("""
        class Outer(torch.optim.SGD):
            def step(self, closure=None):
                return super().step(closure)
        torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)  # now its step has hooks too
        model = net(); optimizer = Outer(model.parameters(), 0.1)
        for _ in range(10):
            optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
    """)
    )
    assert (training.optimizer, training.steps) == ("Outer", 10)


def test_a_step_that_raised_does_not_hide_the_next(watched):
    training = only(
        watched("""
        class Moody(torch.optim.SGD):
            bad = True
            def step(self, closure=None):
                if self.bad: raise ValueError
                return super().step(closure)
        model = net(); optimizer = Moody(model.parameters(), 0.1)
        for i in range(10):
            optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward()
            optimizer.bad = i % 2 == 0
            try: optimizer.step()
            except ValueError: pass
    """)
    )
    assert training.steps == 5


def test_two_trainings_in_one_script(watched):
    view = watched("""
        for rate in (0.1, 0.01):
            model = net(); optimizer = torch.optim.SGD(model.parameters(), rate)
            for _ in range(15):
                optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
    """)
    assert [t.steps for t in view.trainings] == [15, 15]
    rates = [t.series("learning_rate", "group 0").first for t in view.trainings]
    assert rates == [0.1, 0.01]


def test_many_optimizers_are_bounded(watched):
    view = watched("""
        model = net()
        for _ in range(300):
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
    """)
    assert len(view.trainings) == 256
    assert sum(t.steps for t in view.trainings) == 300
    assert "trainings" in view.skipped


def test_an_optimizer_of_another_make(watched):
    training = only(
        watched("""
        class Mine:
            def __init__(self, parameters): self.parameters = list(parameters)
            def step(self):
                with torch.no_grad():
                    for p in self.parameters: p.add_(p.grad, alpha=-0.1)
            def zero_grad(self):
                for p in self.parameters: p.grad = None
        model = net(); optimizer = Mine(model.parameters())
        for _ in range(25):
            optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
    """)
    )
    assert (training.optimizer, training.steps) == ("", 25)


def test_torch_func_is_said_not_to_be_observed(watched):
    view = watched("""
        w = {"w": torch.zeros(8, 3)}
        loss = lambda w: F.cross_entropy(X @ w["w"], Y)
        for _ in range(10):
            g = torch.func.grad(loss)(w); w = {"w": w["w"] - 0.1 * g["w"]}
    """)
    assert not view.observed
    assert "torch.func.grad" in view.skipped["torch.func"]


def test_compiled_step(watched):
    training = only(
        watched("""
        model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
        @torch.compile(backend="eager")
        def step():
            optimizer.zero_grad()
            loss = F.cross_entropy(model(X), Y)
            loss.backward()
            optimizer.step()
            return loss.detach()
        for _ in range(12):
            step()
    """)
    )
    assert (training.optimizer, training.steps) == ("SGD", 12)
    assert math.isfinite(training.series("loss").last)


def test_only_one_thread_is_heard(watched):
    view = watched("""
        import threading
        def work(n):
            model = net(); optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(n):
                optimizer.zero_grad(); F.cross_entropy(model(X), Y).backward(); optimizer.step()
        work(3)
        threads = [threading.Thread(target=work, args=(50,)) for _ in range(3)]
        [t.start() for t in threads]; work(40); [t.join() for t in threads]
    """)
    assert [t.steps for t in view.trainings] == [3, 40]


def test_steps_limit_ends_a_hand_made_training(watched):
    view = watched(
        """
        w = torch.zeros(8, 3, requires_grad=True)
        while True:
            F.cross_entropy(X @ w, Y).backward()
            w.data -= 0.1 * w.grad
            w.grad = None
        """,
        settings={"steps": 20},
    )
    assert only(view).steps == 20
