"""Erasing a person: everything that names them, in every table, in our files and at the carrier."""
