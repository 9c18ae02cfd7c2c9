"""Panel regressions: models, errors that respect clusters, and tests of the specification."""
