"""The bench: its workloads, and that every rival answers as plain numpy does."""
