"""What is measured of gradients, from the backward pass to the step that uses them."""
