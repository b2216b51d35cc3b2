"""What is measured of losses: what each is given, how it is made, and where NaN came from."""
