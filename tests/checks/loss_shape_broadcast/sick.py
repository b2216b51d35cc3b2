import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
torch.set_num_threads(1)

# house prices, in units of 100k
rooms = torch.rand(1200, 6)
price = 2 + rooms @ torch.tensor([1.5, -0.8, 0.6, 0.0, 2.0, -1.2]) + 0.1 * torch.randn(1200)

loader = DataLoader(TensorDataset(rooms, price), batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(6, 24), nn.ReLU(), nn.Linear(24, 1))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)

for epoch in range(5):
    total = 0.0
    for features, target in loader:
        optimizer.zero_grad()
        prediction = model(features)
        loss = criterion(prediction, target)  # expect: loss-shape-broadcast
        loss.backward()
        optimizer.step()
        total += loss.item() * len(features)
    print(f"epoch {epoch}: mse {total / len(rooms):.4f}")
