"""Simulated worlds of visits and calls whose truth is known: rules are judged by them.

Every parameter is an assumption, written down in `assumptions`; nothing here was measured on real callers. A
world is made of a seed and gives the same events every time. The truth is kept apart from the events.
"""
