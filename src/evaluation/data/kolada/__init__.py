"""Kolada's figures, fetched whole or not at all."""
