"""Estimation: panel regression, difference-in-differences, synthetic control, inference."""
