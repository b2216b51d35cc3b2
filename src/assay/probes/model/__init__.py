"""What is measured of the model: its parts, its weights, and what flows through it."""
