"""What is measured of the run as a whole: how it was set up, its time and its memory."""
