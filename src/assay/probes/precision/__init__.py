"""What is measured of numbers in half precision, and of the scaler."""
