"""Design: who is treated, since when, against whom."""
