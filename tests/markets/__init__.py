"""Simulated markets with their truth: what a way to divide a budget loses against who knows the curves."""
