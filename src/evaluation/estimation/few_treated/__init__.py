"""Inference when few units are treated."""
