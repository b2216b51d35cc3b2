"""Concrete strength from a recipe: y is a column, the prediction is not."""

import torch

torch.manual_seed(31)
torch.set_num_threads(1)

N, D = 1600, 8
recipe = torch.rand(N, D)
strength = (recipe @ torch.linspace(-1, 2, D) + recipe[:, 0] * recipe[:, 1]).reshape(-1, 1)
strength = (strength - strength.mean()) / strength.std() + 0.1 * torch.randn(N, 1)


class Regressor(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Linear(D, 40), torch.nn.SiLU(), torch.nn.Linear(40, 1)
        )

    def forward(self, x):
        return self.body(x)[:, 0]


def train_one_epoch(model, optimizer):
    for rows in torch.randperm(N).split(40):
        loss = torch.nn.functional.mse_loss(model(recipe[rows]), strength[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


model = Regressor()
optimizer = torch.optim.RMSprop(model.parameters(), lr=2e-3)
for epoch in range(6):
    print("epoch", epoch, "loss", train_one_epoch(model, optimizer))
