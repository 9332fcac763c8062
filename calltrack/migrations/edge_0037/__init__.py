"""The edge functions of 0037: a visit has a region, and a lease keeps it."""
