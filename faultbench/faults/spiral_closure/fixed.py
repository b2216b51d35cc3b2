"""Two spirals with L-BFGS, full batch."""
import torch

torch.manual_seed(44)
torch.set_num_threads(1)


def spirals(n, noise=0.15):
    t = 3.0 * torch.rand(n).sqrt() * 2
    side = torch.randint(0, 2, (n,))
    angle = t + torch.pi * side
    xy = torch.stack([t * angle.cos(), t * angle.sin()], dim=1) / 3
    return xy + noise / 3 * torch.randn(n, 2), side.float()


X, Y = spirals(600)
net = torch.nn.Sequential(
    torch.nn.Linear(2, 24), torch.nn.Tanh(), torch.nn.Linear(24, 24), torch.nn.Tanh(), torch.nn.Linear(24, 1)
)
bce = torch.nn.BCEWithLogitsLoss()
opt = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=10, history_size=10)

for round_ in range(25):

    def closure():
        opt.zero_grad()
        loss = bce(net(X).squeeze(1), Y)
        loss.backward()
        return loss

    loss = opt.step(closure)
    if round_ % 5 == 0:
        print(round_, loss.item())

with torch.no_grad():
    x, y = spirals(1000)
    print("score:", ((net(x).squeeze(1) > 0).float() == y).float().mean().item())
