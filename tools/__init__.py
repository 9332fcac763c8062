"""Small programs beside the product: set-up, proofs, pictures."""
