import torch
from torch.autograd import grad

torch.manual_seed(0)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

# u'(x) = 3 cos(3 x),  u(0) = 0   ->   u = sin(3 x)


def mlp(sizes):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [torch.nn.Linear(a, b), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


net = mlp([1, 24, 24, 1])
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
x0 = torch.zeros(1, 1)

for it in range(800):
    x = 2 * torch.rand(64, 1)
    x.requires_grad_(True)
    u = net(x)
    u_x = grad(u.sum(), x, retain_graph=True)[0]
    loss_ode = ((u_x - 3 * torch.cos(3 * x)) ** 2).mean()
    loss_start = net(x0).pow(2).mean()
    loss = loss_ode + 10 * loss_start
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 200 == 0:
        print(it, "ode", loss_ode.item(), "start", loss_start.item())

with torch.no_grad():
    grid = torch.linspace(0, 2, 101).unsqueeze(1)
    err = (net(grid) - torch.sin(3 * grid)).abs().mean().item()
print("score:", 1 - err)
