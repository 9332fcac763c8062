"""Calls the product begins: a missed caller is rung back, who answered is asked, a phone is confirmed."""
