"""AdamW with the weight decay of another framework's recipe, where it was divided by the steps."""

import torch
from torch.utils.data import DataLoader, TensorDataset

from assay.demo import digits

torch.manual_seed(37)
torch.set_num_threads(1)
x, y = digits.load()
x = (x - x.mean()) / x.std()
train = DataLoader(TensorDataset(x[:1500], y[:1500]), batch_size=50, shuffle=True)
net = torch.nn.Sequential(torch.nn.Linear(64, 100), torch.nn.Tanh(), torch.nn.Linear(100, 10))
optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=100.0)
for epoch in range(10):
    net.train()
    for a, b in train:
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(a), b).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        print(epoch, torch.nn.functional.cross_entropy(net(x[1500:]), y[1500:]).item())
