"""docs/format.md, read back by a second reader that shares no code with the engine."""
