"""Three kinds of customer reviews, from word counts. Rare kinds are drawn more often."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler

torch.manual_seed(11)
torch.set_num_threads(1)


class Reviews(Dataset):
    SHARES = (0.8, 0.15, 0.05)
    topics = torch.rand(3, 60).pow(3)

    def __init__(self, n):
        self.kind = torch.multinomial(torch.tensor(self.SHARES), n, replacement=True)
        rates = 0.4 + 2.0 * self.topics[self.kind] + 0.5 * torch.rand(n, 60)
        self.counts = torch.poisson(rates)

    def __len__(self):
        return len(self.kind)

    def __getitem__(self, i):
        return self.counts[i].log1p(), self.kind[i]


train_set, test_set = Reviews(1200), Reviews(900)

class_count = torch.bincount(train_set.kind)
class_weights = 1.0 / class_count.float()
sampler = WeightedRandomSampler(class_weights[train_set.kind], num_samples=len(train_set))
train_loader = DataLoader(train_set, batch_size=40, sampler=sampler)
test_loader = DataLoader(test_set, batch_size=300)

model = nn.Sequential(nn.Linear(60, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 3))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(8):
    model.train()
    total = 0.0
    for counts, kind in train_loader:
        loss = loss_fn(model(counts), kind)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print("epoch", epoch, "train loss", round(total / len(train_loader), 4))

model.eval()
hits, seen = torch.zeros(3), torch.zeros(3)
with torch.no_grad():
    for counts, kind in test_loader:
        right = model(counts).argmax(dim=1) == kind
        hits += torch.bincount(kind[right], minlength=3)
        seen += torch.bincount(kind, minlength=3)
print("recall per class:", (hits / seen).tolist())
print("score:", (hits / seen).mean().item())
