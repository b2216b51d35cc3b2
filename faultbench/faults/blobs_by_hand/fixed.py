import torch

torch.manual_seed(0)
torch.set_num_threads(1)

centers = torch.randn(10, 25)
labels_train = torch.randint(10, (2000,))
images_train = centers[labels_train] + 1.2 * torch.randn(2000, 25)
labels_test = torch.randint(10, (1000,))
images_test = centers[labels_test] + 1.2 * torch.randn(1000, 25)

model = torch.nn.Sequential(
    torch.nn.Linear(25, 50),
    torch.nn.ReLU(),
    torch.nn.Linear(50, 10),
    torch.nn.LogSoftmax(dim=1),
)
loss_fn = torch.nn.NLLLoss()
opt = torch.optim.SGD(model.parameters(), lr=0.1)

losses = []
for epoch in range(15):
    shuffled = torch.randperm(2000)
    for start in range(0, 2000, 50):
        batch = shuffled[start : start + 50]
        opt.zero_grad()
        predictions = model(images_train[batch])
        loss = loss_fn(predictions, labels_train[batch])
        loss.backward()
        losses.append(loss.detach())
        opt.step()
    print(f"Epoch {epoch + 1}, loss {torch.stack(losses[-40:]).mean():.3f}")

with torch.no_grad():
    hits = (model(images_test).argmax(dim=1) == labels_test).sum()
print(f"score: {hits.item() / 1000}")
