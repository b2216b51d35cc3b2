"""The ladder: from the data up to the evaluation, what works and what does not, on copies.

The child's side: an extra run stores its first batches and weights, and tries rung after rung when
it ends. What follows from it is told by the parent (`diagnosis/ladder.py`).
"""
