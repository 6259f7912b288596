"""What Milpa is held against: models trained on the same landscapes for the same processor time, and an editor."""
