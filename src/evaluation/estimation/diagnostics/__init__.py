"""Checks of a difference-in-differences, each by its own module."""
