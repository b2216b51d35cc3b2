"""assay tells people why their PyTorch model isn't training, and proves what fixes it."""

__version__ = "0.1.0"
