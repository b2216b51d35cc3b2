import torch

model = torch.nn.Linear(4, 1)


def build():
    with torch.enable_grad():
        return torch.optim.SGD(model.parameters(), lr=0.1)


optimizer = (
    build()
)  # a comment that is long enough to be cut off by the edge of the page, or so it should be
名前 = "[red]unicode[/] and markup"
