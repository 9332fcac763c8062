"""Leads and purchases: which calls count, with which value, and how that changes later."""
