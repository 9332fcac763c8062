"""Visitors, their visits, the pages they saw and the consent they gave."""
