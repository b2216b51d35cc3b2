"""What is measured of evaluations, and of the weights that a script keeps for them."""
