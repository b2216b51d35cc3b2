"""What is measured of optimizers and their steps."""
