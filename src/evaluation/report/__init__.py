"""The report: results as plain types in, tables, figures and text out."""
