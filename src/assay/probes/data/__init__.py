"""What is measured of data: what goes into the model, in training and in evaluation."""
