"""The upload ledger: one conversion change to one destination, from plan to receipt."""
