"""Difference-in-differences estimators and their aggregates."""
