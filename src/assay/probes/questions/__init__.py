"""What a batch is asked: each question changes one thing that a model was given."""
