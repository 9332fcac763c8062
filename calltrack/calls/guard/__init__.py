"""What keeps callers and companies safe: block lists, caps on outgoing legs, nuisance calls."""
