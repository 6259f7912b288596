"""What the method is held against, trained on the same landscapes for the same processor time."""
