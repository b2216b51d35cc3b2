"""Which axes of which weights may be permuted together, and which permutation fits best."""
