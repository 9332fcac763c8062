"""Retargeting lists: saved conditions over persons, kept in step with the customer lists of ad platforms."""
