"""Checking how the snippet stands on a customer's page, and saying what is wrong and how to mend it."""
