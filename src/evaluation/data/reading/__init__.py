"""Files of the user: found out, read, and every cell accounted for."""
