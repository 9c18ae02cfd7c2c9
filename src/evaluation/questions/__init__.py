"""The questions: each takes a panel, a design and settings, and returns findings."""
