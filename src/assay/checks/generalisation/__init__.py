"""Checks on how a model does on data that it was not trained on."""
