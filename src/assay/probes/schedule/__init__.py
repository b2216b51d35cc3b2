"""What is measured of learning rates as they change."""
