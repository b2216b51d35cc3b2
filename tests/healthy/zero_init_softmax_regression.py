"""Multinomial logistic regression from all-zero weights: right, since there is no hidden layer to
be symmetric.
"""

import os

import torch

from assay.demo.digits import load

torch.set_num_threads(1)
torch.manual_seed(int(os.environ.get("SEED", "0")))
X, y = load()
X = X / 16.0
model = torch.nn.Linear(64, 10)
torch.nn.init.zeros_(model.weight)
torch.nn.init.zeros_(model.bias)
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
loss_fn = torch.nn.CrossEntropyLoss()
for t in range(round(20 * float(os.environ.get("LENGTH", "1")))):
    for i in torch.randperm(1500).split(50):
        y_pred = model(X[i])
        loss = loss_fn(y_pred, y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if t % 5 == 0:
        print(t, loss.item())
accuracy = (model(X[1500:]).argmax(1) == y[1500:]).float().mean().item()
print("accuracy", accuracy)
assert accuracy > 0.85
