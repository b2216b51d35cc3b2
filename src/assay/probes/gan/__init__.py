"""What is measured of networks that are trained against each other."""
