# Film ratings by matrix factorisation, with biases.
import torch
from torch import nn

torch.manual_seed(61)
torch.set_num_threads(1)
USERS, FILMS, K = 200, 120, 64


class MF(nn.Module):
    def __init__(self):
        super().__init__()
        self.user = nn.Embedding(USERS, K)
        self.film = nn.Embedding(FILMS, K)
        self.user_bias = nn.Embedding(USERS, 1)
        self.film_bias = nn.Embedding(FILMS, 1)
        self.mean = nn.Parameter(torch.tensor(3.5))
        for table in (self.user, self.film, self.user_bias, self.film_bias):
            nn.init.normal_(table.weight, std=0.05)

    def forward(self, u, f):
        dot = (self.user(u) * self.film(f)).sum(1)
        return dot + self.user_bias(u).squeeze(1) + self.film_bias(f).squeeze(1) + self.mean


# ratings from a hidden rank-3 taste
taste_u, taste_f = torch.randn(USERS, 3), torch.randn(FILMS, 3)
u = torch.randint(0, USERS, (9000,))
f = torch.randint(0, FILMS, (9000,))
rating = (3.5 + 0.5 * (taste_u[u] * taste_f[f]).sum(1) + 0.2 * torch.randn(9000)).clamp(1, 5)
train, test = slice(0, 7000), slice(7000, 9000)

mf = MF()
opt = torch.optim.Adam(mf.parameters(), lr=5e-3)
mse = nn.MSELoss()
for epoch in range(12):
    mf.train()
    order = torch.randperm(7000)
    running = 0.0
    for b in order.split(100):
        opt.zero_grad()
        loss = mse(mf(u[train][b], f[train][b]), rating[train][b])
        loss.backward()
        opt.step()
        running += loss.item() / 70
    print("epoch", epoch, "mse", round(running, 3))
mf.eval()
with torch.no_grad():
    err = mse(mf(u[test], f[test]), rating[test]) / rating[test].var()
print("score:", 1 - err.item())
