"""Robustness: many outcomes, many specifications, many refits."""
