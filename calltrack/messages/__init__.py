"""Text messages to and from tracking numbers: received once, sent at most once, stopped when asked to."""
