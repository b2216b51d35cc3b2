"""Linear regression with mini-batches, typed from memory."""

import torch

torch.manual_seed(9)
torch.set_num_threads(1)

true_w = torch.tensor([2.0, -3.4, 1.1, 0.5])
X = torch.randn(1000, 4)
y = X @ true_w + 4.2 + 0.01 * torch.randn(1000)

model = torch.nn.Linear(4, 1)
loss_fn = torch.nn.MSELoss()
trainer = torch.optim.SGD(model.parameters(), lr=0.01)

for epoch in range(3):
    for start in range(0, 1000, 20):
        out = model(X[start : start + 20]).squeeze(1)
        loss = loss_fn(out, y[start : start + 20])
        loss.backward()
        trainer.step()  # expect: zero-grad-missing
    print(f"epoch {epoch + 1}, loss {loss.item():f}")
