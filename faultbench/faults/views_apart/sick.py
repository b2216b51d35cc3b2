# contrastive pre-training on pairs of views, then a nearest-centroid test
import torch, torch.nn as nn, torch.nn.functional as F

torch.manual_seed(17)
torch.set_num_threads(1)
N_CLASSES, D = 8, 32
protos = torch.randn(N_CLASSES, D)
style = torch.linalg.qr(torch.randn(D, D))[0][:, :12]  # directions that carry no class


def sample(n):
    y = torch.randint(0, N_CLASSES, (n,))
    x = protos[y] * 0.7 + 0.3 * torch.randn(n, D)
    return x, y


def augment(x):
    return x + 1.6 * torch.randn(len(x), 12) @ style.T


encoder = nn.Sequential(nn.Linear(D, 64), nn.ReLU(), nn.Linear(64, 16))


def nt_xent(z1, z2, tau=0.3):
    n = z1.size(0)
    z = F.normalize(torch.cat([z1, z2]), dim=1)
    sim = z @ z.t() / tau
    # leave out each sample itself
    off = ~torch.eye(2 * n, dtype=torch.bool)
    sim = sim[off].view(2 * n, 2 * n - 1)
    pos = torch.arange(2 * n).div(2, rounding_mode="floor") * 2
    return F.cross_entropy(sim, pos.clamp(max=2 * n - 2))


opt = torch.optim.Adam(encoder.parameters(), 1e-3)
for step in range(400):
    x, _ = sample(64)
    loss = nt_xent(encoder(augment(x)), encoder(augment(x)))
    opt.zero_grad(); loss.backward(); opt.step()
    if step % 100 == 0:
        print(step, round(loss.item(), 3))

with torch.no_grad():
    x, y = sample(400)
    z = F.normalize(encoder(augment(x)), dim=1)
    centre = torch.stack([z[y == c].mean(0) for c in range(N_CLASSES)])
    x, y = sample(1000)
    z = F.normalize(encoder(augment(x)), dim=1)
    print("score:", ((z @ centre.t()).argmax(1) == y).float().mean().item())
