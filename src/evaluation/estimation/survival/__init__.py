"""Survival in the kommun from life tables: events and numbers at risk per month."""
