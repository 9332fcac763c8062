"""The places of the functions behind the snippet's requests that migration 0039 changes, old and new.

The functions are changed where they stand, so that changes made to other places of them stay.
"""
