"""Where the next money should go, how sure that is, and when nobody can know yet."""
