"""How persons become customers: touchpoints on one line of time, stages, segments, lead score."""
