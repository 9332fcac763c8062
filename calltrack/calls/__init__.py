"""Calls: the carrier's hooks, the flow of a call, its legs and recordings."""
