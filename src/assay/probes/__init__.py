"""What is measured: read-only observers at the seams. A probe never changes the run."""
