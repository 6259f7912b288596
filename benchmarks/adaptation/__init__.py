"""Places to adapt to, and the rounds that adapt the starter to them: shared by the benchmarks of adaptation."""
