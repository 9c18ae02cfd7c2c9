"""Do people stay in the kommun: shares, curves, hazards, and the effect of activity on staying."""
