"""Tracking numbers: pools, leases, which number a visit is shown."""
