"""Two kinds of iris that nobody tells apart well, a third that is easy, and none of a fourth."""

import torch
from torch import nn

torch.manual_seed(8)
torch.set_num_threads(1)


def flowers(count, kinds):
    kind = torch.tensor(kinds)[torch.randint(0, len(kinds), (count,))]
    centre = torch.tensor([[3.0, 0.0], [0.0, 0.3], [0.0, -0.3], [-3.0, 0.0]])[kind]
    return centre + torch.randn(count, 2), kind


class Trainer:
    def __init__(self, model):
        self.model, self.loss = model, nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def fit(self, x, y):
        self.model.train()
        for rows in torch.randperm(len(x)).split(64):
            self.optimizer.zero_grad()
            self.loss(self.model(x[rows]), y[rows]).backward()
            self.optimizer.step()

    @torch.no_grad()
    def evaluate(self, x, y):
        self.model.eval()
        answer = self.model(x)
        return self.loss(answer, y).item(), (answer.argmax(1) == y).float().mean().item()


trainer = Trainer(nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 4)))
x, y = flowers(960, [0, 1, 2, 3])
rare, which = flowers(120, [1, 2, 2, 2, 0])
for epoch in range(5):
    trainer.fit(x, y)
    loss, accuracy = trainer.evaluate(rare, which)
    print(f"{epoch}: {loss:.3f} {accuracy:.2f}")

assert accuracy > 0.5, "this script is right, and learns"
