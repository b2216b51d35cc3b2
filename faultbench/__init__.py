"""faultbench: training scripts with known faults, and what tools say of them (see README.md)."""
