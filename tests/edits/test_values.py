"""Edits that change a value, an argument or an expression."""

from __future__ import annotations

import re
import textwrap

import pytest

from assay.edits.reason import NotMechanicalError

from .conftest import CALLS, LOOP, Edited, lines_added


def optimizer(call: str) -> tuple[str, dict[str, object]]:
    """The loop with another constructor."""
    old = str(CALLS["optimizer"])
    return LOOP.replace(old, call), {**CALLS, "optimizer": call}


@pytest.mark.parametrize(
    ("call", "trick", "becomes"),
    [
        ("SGD(p, lr=0.1)", "lr=x0.1", "SGD(p, lr=0.01)"),
        ("SGD(p, 1e-1, 0.9)", "lr=0.02", "SGD(p, 0.02, 0.9)"),
        ("SGD(p, lr=3 * 1e-3)", "lr=x10", "SGD(p, lr=0.03)"),
        ("SGD(p, lr=( 5.0 ), momentum=0.9)", "lr=x0.00001", "SGD(p, lr=5e-5, momentum=0.9)"),
        ("Adam(p)", "lr=x0.1", "Adam(p, lr=0.01)"),
        ("Adam(p,\n    eps=1e-8,  # as in the paper\n)", "eps=1e-6",
         "Adam(p,\n    eps=1e-6,  # as in the paper\n)"),
        ("Adam(p, lr=0.1,\n)", "eps=1e-6", "Adam(p, lr=0.1, eps=1e-6,\n)"),
        ("Adam(p, betas=(0.9, 0.999))", "betas,beta2=0.95", "Adam(p, betas=(0.9, 0.95))"),
        ("SGD(p, 0.1, 0.5)", "momentum=0.9", "SGD(p, 0.1, 0.9)"),
        ("SGD(p, 0.1)", "momentum=0.9", "SGD(p, 0.1, momentum=0.9)"),
        ("SGD(p, 0.1)", "weight-decay=0.01,exempt=no,kind=l2", "SGD(p, 0.1, weight_decay=0.01)"),
    ],
)  # fmt: skip
def test_settings_of_the_optimizer(edited: Edited, call: str, trick: str, becomes: str) -> None:
    source, calls = optimizer(call)
    assert edited(source, trick, calls)[0] == source.replace(call, becomes)


def test_a_rate_in_a_constant_is_changed_there(edited: Edited) -> None:
    source, calls = optimizer("SGD(p, lr=RATE)")
    source = f"RATE: float = 0.3  # found by hand\n{source}"
    after = edited(source, "lr=x0.1", calls)[0]
    assert after == source.replace("0.3  #", "0.03  #")


def test_a_rounded_rate_comes_before_the_exact_one(edited: Edited) -> None:
    source, calls = optimizer("SGD(p, lr=0.05)")
    rounded, exact = edited(source, "lr=x0.1", calls, lr=0.05)
    assert "lr=0.005)" in rounded
    assert "lr=0.005000000000000001)" in exact


@pytest.mark.parametrize(
    ("call", "before", "why"),
    [
        ("SGD(p, lr=args.lr)", 'q.add_argument("-l", "--lr", type=float)\n', "pass --lr 0.01"),
        ("SGD(p, lr=cfg.optim.lr)", "", "it comes from cfg.optim.lr: make it 0.01"),
        ("SGD(p, lr=config['lr'])", "", "it comes from config['lr']: make it 0.01"),
        ("SGD(p, **options)", "", "takes arguments from elsewhere"),
        ("SGD(p, lr=RATE)", "RATE = 0.1\nRATE = 0.2\n", "it comes from RATE"),
    ],
)
def test_a_rate_from_elsewhere(edited: Edited, call: str, before: str, why: str) -> None:
    source, calls = optimizer(call)
    with pytest.raises(NotMechanicalError, match=re.escape(why)):
        edited(before + source, "lr=x0.1", calls)


LOADER = """\
train = {call}
for x in train:
    pass
"""


@pytest.mark.parametrize(
    ("call", "becomes"),
    [
        ("DataLoader(d, 32)", "DataLoader(d, 32, shuffle=True)"),
        ("DataLoader(d, batch_size=8, shuffle=False)", "DataLoader(d, batch_size=8, shuffle=True)"),
        ("DataLoader(d, 8, False)", "DataLoader(d, 8, True)"),
        ("DataLoader(d, 8, sampler=s)", "has a sampler of its own"),
        ("DataLoader(d, **settings)", "takes arguments from elsewhere"),
    ],
)
def test_shuffle(edited: Edited, call: str, becomes: str) -> None:
    source = LOADER.format(call=call)
    calls = {"loader": call, "loading": ("train:", {"sampler": "SequentialSampler"})}
    if "DataLoader" not in becomes:
        with pytest.raises(NotMechanicalError, match=becomes):
            edited(source, "shuffle", calls)
    else:
        assert edited(source, "shuffle", calls) == [source.replace(call, becomes)]


LOGITS = {
    "a call in the loss": (
        "loss = F.cross_entropy(F.softmax(net(x), dim=1), y)\n",
        "loss = F.cross_entropy(net(x), y)\n",
    ),
    "a method": (
        "loss = F.cross_entropy((a + b).softmax(1), y)\n",
        "loss = F.cross_entropy((a + b), y)\n",
    ),
    "a variable": (
        "p = torch.softmax(net(x), dim=1)\nloss = F.cross_entropy(p, y)\n",
        "p = net(x)\nloss = F.cross_entropy(p, y)\n",
    ),
    "the last layer": (
        "net = nn.Sequential(nn.Linear(2, 3), nn.Softmax(dim=1))\nF.cross_entropy(net(x), y)\n",
        "net = nn.Sequential(nn.Linear(2, 3))\nF.cross_entropy(net(x), y)\n",
    ),
    "the last layer of a list": (
        "net = nn.Sequential(\n    a,\n    nn.Softmax(-1),\n)\nF.cross_entropy(net(x), y)\n",
        "net = nn.Sequential(\n    a,\n)\nF.cross_entropy(net(x), y)\n",
    ),
    "a layer that is called": (
        "class N(nn.Module):\n    def __init__(self):\n        self.a = 1\n"
        "        self.out = nn.Softmax(dim=1)\n"
        "    def forward(self, x):\n        return self.out(self.fc(x))\n"
        "loss = F.cross_entropy(N()(x), y)\n",
        "class N(nn.Module):\n    def __init__(self):\n        self.a = 1\n"
        "    def forward(self, x):\n        return self.fc(x)\n"
        "loss = F.cross_entropy(N()(x), y)\n",
    ),
    "what forward returns": (
        "def forward(x):\n    return F.softmax(x + 1, dim=1)\nF.cross_entropy(forward(x), y)\n",
        "def forward(x):\n    return x + 1\nF.cross_entropy(forward(x), y)\n",
    ),
}


@pytest.mark.parametrize("case", LOGITS)
def test_the_softmax_goes(edited: Edited, case: str) -> None:
    head = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n"
    before, after = LOGITS[case]
    call = before[before.index("F.cross_entropy(") :].rstrip()
    found = edited(head + before, "logits", {"loss": (call, {"fn": "cross_entropy"})})
    assert found[0] == head + after


def test_the_softmax_of_attention_is_not_the_first_choice(edited: Edited) -> None:
    source = """\
    import torch.nn.functional as F
    weights = F.softmax(q @ k, dim=-1)
    probabilities = F.softmax(out, dim=1)
    loss = F.cross_entropy(probabilities, y)
    """
    calls = {"loss": ("F.cross_entropy(probabilities, y)", {"fn": "cross_entropy"})}
    first, second = edited(source, "logits", calls)
    assert "probabilities = out\n" in first
    assert "weights = q @ k\n" in second


@pytest.mark.parametrize(
    ("shapes", "call", "becomes"),
    [
        (([8, 1], [8]), "mse(out, y)", "mse(out, y.unsqueeze(1))"),
        (([8], [8, 1]), "mse(net(x), y)", "mse(net(x), y.squeeze(1))"),
        (([8, 1], [8]), "mse(out, target=a + b)", "mse(out, target=(a + b).unsqueeze(1))"),
        (([4, 2], [8]), "mse(out, y)", "mse(out, y.view_as(out))"),
    ],
)
def test_shapes(
    edited: Edited, shapes: tuple[list[int], list[int]], call: str, becomes: str
) -> None:
    facts = {"fn": "mse_loss", "input": shapes[0], "target": shapes[1]}
    source = f"loss = {call}\n"
    found = edited(source, "match-target-shape", {"loss": (call, facts)})
    assert found == [source.replace(call, becomes)]


def test_parameters_of_all_the_model(edited: Edited) -> None:
    source, calls = optimizer("SGD(model.body.parameters(), lr=0.1)")
    found = edited(source, "add-parameters", calls)
    assert found == [source.replace("model.body.par", "model.par")]
    source = LOOP.replace("for x, y", "model.head = nn.Linear(2, 3)\nfor x, y")
    built = "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
    head = "model.head = nn.Linear(2, 3)\n"
    assert edited(source, "add-parameters", CALLS) == [source.replace(built + head, head + built)]
    source, calls = optimizer("SGD(encoder.parameters(), lr=0.1)")
    found = edited(source, "add-parameters", calls)
    both = "[*encoder.parameters(), *model.parameters()]"
    assert found == [source.replace("encoder.parameters()", both)]


def test_label_smoothing_is_for_training_only(edited: Edited) -> None:
    (after,) = edited(LOOP, "label-smoothing=0.1", CALLS)
    assert lines_added(LOOP, after) == ["loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)"]
    source = LOOP + "held = loss_fn(other, y)\n"
    calls = {**CALLS, "evaluation_loss": ("loss_fn(other, y)", {"fn": "cross_entropy"})}
    with pytest.raises(NotMechanicalError, match="evaluations use the same loss"):
        edited(source, "label-smoothing=0.1", calls)
    (after,) = edited(source, "ignore-index=0", calls)
    assert lines_added(source, after) == ["loss_fn = nn.CrossEntropyLoss(ignore_index=0)"]


def test_activations_all_or_all_but_the_output_s(edited: Edited) -> None:
    source = """\
    from torch import nn
    hidden = nn.Sigmoid
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.ReLU(inplace=True), nn.Sigmoid())
    """
    text = textwrap.dedent(source)
    first, second, *_ = edited(source, "activation=gelu", {"model": "nn.Tanh()"})
    most = text.replace("hidden = nn.Sigmoid", "hidden = nn.GELU").replace("Tanh", "GELU")
    most = most.replace("ReLU(inplace=True)", "GELU()")
    assert first == most.replace("nn.Sigmoid()", "nn.GELU()")
    assert second == most
    (only,) = edited(source, "activation=relu,instead-of=tanh", {"model": "nn.Tanh()"})
    assert only == text.replace("Tanh", "ReLU")


def test_layers_are_initialised_before_the_optimizer_is_built(edited: Edited) -> None:
    (after,) = edited(LOOP, "init=xavier,distribution=uniform", CALLS, modules=("Linear", "Conv2d"))
    assert lines_added(LOOP, after) == [
        "for layer in model.modules():",
        "if isinstance(layer, (nn.Linear, nn.Conv2d)):",
        "nn.init.xavier_uniform_(layer.weight)",
        "if layer.bias is not None:",
        "nn.init.zeros_(layer.bias)",
    ]
    with pytest.raises(NotMechanicalError, match=r"more than a call of torch\.nn\.init"):
        edited(LOOP, "init=zero-residual", CALLS, modules=("Linear",))


def test_a_source_that_can_not_be_read(edited: Edited) -> None:
    with pytest.raises(NotMechanicalError, match=r"train\.py can't be read as Python"):
        edited(textwrap.dedent(LOOP) + "print 'old'\n", "zero-grad", CALLS)
