"""Data: what ships with the package, the user's files, the outcome registry, the panel."""
