"""Film ratings from 1 to 5 by factors and biases, with Adagrad; the mean rating is a constant of
the model.
"""

import os

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
USERS, FILMS, FACTORS = 150, 100, 6

taste, traits = torch.randn(USERS, 2), torch.randn(FILMS, 2)
user, film = torch.randint(USERS, (9000,)), torch.randint(FILMS, (9000,))
raw = 3.4 + 0.7 * (taste[user] * traits[film]).sum(1) + 0.2 * torch.randn(9000)
rating = raw.round().clamp(1, 5)


class MF(nn.Module):
    def __init__(self, mean):
        super().__init__()
        self.mean = mean
        self.user = nn.Embedding(USERS, FACTORS)
        self.film = nn.Embedding(FILMS, FACTORS)
        self.user_bias = nn.Embedding(USERS, 1)
        self.film_bias = nn.Embedding(FILMS, 1)
        for factors in (self.user, self.film):
            nn.init.normal_(factors.weight, std=0.1)
        for bias in (self.user_bias, self.film_bias):
            nn.init.zeros_(bias.weight)

    def forward(self, u, f):
        biases = self.user_bias(u) + self.film_bias(f)
        return self.mean + (self.user(u) * self.film(f)).sum(1) + biases.squeeze(1)


train = TensorDataset(user[:7500], film[:7500], rating[:7500])
model = MF(rating[:7500].mean().item())
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
for epoch in range(round(10 * float(os.environ.get("LENGTH", "1")))):
    for u, f, r in DataLoader(train, batch_size=150, shuffle=True):
        loss = ((model(u, f) - r) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        rmse = ((model(user[7500:], film[7500:]) - rating[7500:]) ** 2).mean().sqrt().item()
    print(f"epoch {epoch} RMSE {rmse:.3f}")
assert rmse < 0.75
