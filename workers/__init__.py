"""The worker processes: which fact wakes which job, and what runs on a schedule."""
