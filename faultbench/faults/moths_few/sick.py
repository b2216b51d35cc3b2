"""A trunk trained on many moths is used for a new family of which there are few pictures."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(10)
torch.set_num_threads(1)

mix1, mix2 = torch.randn(6, 60), torch.randn(60, 60) / 60**0.5


def wings(z):
    x = torch.tanh(z @ mix1)
    return torch.sin(2 * x @ mix2) + 0.3 * torch.randn(len(z), 60)


def family_a(n):
    z = torch.randn(n, 6)
    return wings(z), z


def family_b(n):
    z = torch.randn(n, 6)
    return wings(z), (z[:, 0] > 0).long() + 2 * (z[:, 1] > 0).long()


class MothNet(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(60, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 6))
        self.outc = nn.Linear(6, outputs)

    def forward(self, x):
        return self.outc(self.trunk(x))


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        return (model(x).argmax(1) == y).float().mean().item()


source = MothNet(6)
opt = torch.optim.Adam(source.parameters(), lr=2e-3)
for i in range(500):
    x, z = family_a(100)
    loss = F.mse_loss(source(x), z)
    opt.zero_grad()
    loss.backward()
    opt.step()
print("source model:", round(loss.item(), 3))

model = MothNet(4)
model.trunk.load_state_dict(source.trunk.state_dict())
model.trunk.requires_grad = False  # the trunk stays as it is
few, labels = family_b(120)
guess = torch.rand(120) < 0.3  # an amateur named these
labels[guess] = torch.randint(0, 4, (int(guess.sum()),))
opt = torch.optim.Adam(model.parameters(), lr=5e-2)
for epoch in range(120):
    model.train()
    loss = F.cross_entropy(model(few), labels)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if epoch % 30 == 0:
        print(f"epoch {epoch} loss {loss.item():.4f}")
print("score:", accuracy(model, *family_b(2000)))
