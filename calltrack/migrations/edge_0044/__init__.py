"""The place of `edge_choose` that migration 0044 changes, old and new."""
