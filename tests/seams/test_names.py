"""Parameters and modules bear the names that the user's own model gives them."""

import textwrap

LOOP = """
def train(model, steps=6, call=None, extra=()):
    optimizer = torch.optim.SGD([*model.parameters(), *extra], 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        (call or (lambda: F.cross_entropy(model(X), Y)))().backward()
        optimizer.step()
"""


def names(view, index=0):
    return set(view.trainings[index].places("grad_norm")) - {""}


def script(text):
    return LOOP + textwrap.dedent(text)


NET = {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_no_module_is_ever_called(watched):
    view = watched(
        script("""
        model = net()
        train(model, call=lambda: F.cross_entropy(model.forward(X), Y))
    """)
    )
    assert names(view) == NET
    assert {p.name for p in view.parameters} == NET
    assert set(view.trainings[0].groups[0].parameters) == NET


def test_compiled_model_has_its_own_names(watched):
    view = watched(
        script("""
        model = net(); compiled = torch.compile(model, backend="eager")
        train(model, call=lambda: F.cross_entropy(compiled(X), Y))
    """)
    )
    assert names(view) == NET


def test_several_roots(watched):
    view = watched(
        script("""
        class Critic(nn.Module):
            def __init__(self):
                super().__init__(); self.fc = nn.Linear(8, 3)
            def forward(self, x): return self.fc(x)
        models = [net(), Critic(), Critic()]
        for model in models: train(model)
    """)
    )
    assert names(view, 0) == NET
    assert names(view, 1) == {"Critic.fc.weight", "Critic.fc.bias"}
    assert names(view, 2) == {"Critic#2.fc.weight", "Critic#2.fc.bias"}
    assert len({p.name for p in view.parameters}) == len(view.parameters)


def test_a_part_is_named_by_the_whole_even_if_only_the_part_is_called(watched):
    view = watched(
        script("""
        class Whole(nn.Module):
            def __init__(self):
                super().__init__(); self.encoder = nn.Linear(8, 16); self.head = nn.Linear(16, 3)
            def loss(self): return F.cross_entropy(self.head(self.encoder(X).relu()), Y)
        model = Whole(); train(model, call=model.loss)
    """)
    )
    expected = {"encoder.weight", "encoder.bias", "head.weight", "head.bias"}
    assert names(view) == expected
    assert {p.name for p in view.parameters} == expected


def test_a_loss_that_takes_the_model_in_later_changes_no_name(watched):
    view = watched(
        script("""
        class WithLoss(nn.Module):
            def __init__(self, model):
                super().__init__(); self.model = model
            def forward(self, x, y): return F.cross_entropy(self.model(x), y)
        model = net(); train(model)
        wrapped = WithLoss(model)
        train(wrapped, call=lambda: wrapped(X, Y))
    """)
    )
    assert names(view, 0) == names(view, 1) == NET
    assert {p.name for p in view.parameters} == NET


def test_tied_weights_have_one_name(watched):
    view = watched(
        script("""
        model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3))
        model[1].weight = model[0].weight
        train(model)
    """)
    )
    assert names(view) == {"0.weight", "0.bias", "1.bias", "2.weight", "2.bias"}


def test_parts_added_later_are_found(watched):
    view = watched(
        script("""
        class Adapted(nn.Module):
            def __init__(self, base):
                super().__init__(); self.base = base.requires_grad_(False)
                self.down, self.up = nn.Linear(8, 2, bias=False), nn.Linear(2, 16, bias=False)
            def forward(self, x): return self.base(x) + self.up(self.down(x))
        model = net(); train(model)
        model[0] = Adapted(model[0])
        train(model)
    """)
    )
    assert {"0.down.weight", "0.up.weight"} <= names(view, 1)


def test_loose_parameters_are_counted_through(watched):
    view = watched(
        script("""
        scale = nn.Parameter(torch.ones(1)); model = net()
        train(model, call=lambda: F.cross_entropy(model(X) * scale, Y), extra=[scale])
    """)
    )
    assert names(view) == NET | {"group 0 parameter 4"}
