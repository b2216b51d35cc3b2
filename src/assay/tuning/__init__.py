"""Hyper-parameter search on a script as it is: the space, the study, and what is proved of it."""
