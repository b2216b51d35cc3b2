"""Merges the weights of checkpoints, tensor by tensor: the side that has torch.

`start.py` is run by the interpreter that has torch and answers requests (`serve.py`). Only the
methods' names and options are read by the parent, which is why those import torch in functions.
"""
