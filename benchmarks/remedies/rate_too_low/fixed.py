"""A denoising autoencoder, wrapped in an estimator with fit and transform."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from assay.demo import digits


class DenoisingAutoencoder:
    def __init__(self, n_components=12, learning_rate=3e-3, max_iter=8, random_state=0):
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.random_state = random_state
        self.loss_curve_ = []

    def _build(self, n_features):
        self.encoder_ = nn.Sequential(
            nn.Linear(n_features, 64), nn.GELU(), nn.Linear(64, self.n_components)
        )
        self.decoder_ = nn.Sequential(
            nn.Linear(self.n_components, 64), nn.GELU(), nn.Linear(64, n_features)
        )

    def fit(self, X):
        torch.manual_seed(self.random_state)
        self._build(X.shape[1])
        params = [*self.encoder_.parameters(), *self.decoder_.parameters()]
        solver = torch.optim.Adam(params, lr=self.learning_rate)
        loader = DataLoader(TensorDataset(X), batch_size=50, shuffle=True)
        for _ in range(self.max_iter):
            total = 0.0
            for (clean,) in loader:
                noisy = clean + 0.2 * torch.randn_like(clean)
                error = nn.functional.mse_loss(self.decoder_(self.encoder_(noisy)), clean)
                solver.zero_grad()
                error.backward()
                solver.step()
                total += error.item()
            self.loss_curve_.append(total / len(loader))
        return self

    def transform(self, X):
        with torch.no_grad():
            return self.encoder_(X)


torch.set_num_threads(1)
pixels = digits.load()[0]
pixels = (pixels - pixels.mean()) / pixels.std()
estimator = DenoisingAutoencoder().fit(pixels[:1500])
print("loss curve", [round(value, 4) for value in estimator.loss_curve_])
print("codes", tuple(estimator.transform(pixels[1500:]).shape))
