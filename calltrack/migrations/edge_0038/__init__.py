"""The edge functions of 0038: a visit has a region, and a lease keeps it."""
