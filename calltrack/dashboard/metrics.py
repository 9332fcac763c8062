"""The figures as pages explain them; they are defined where they are counted."""

from calltrack.reports.metrics import METRICS, Metric

__all__ = ["METRICS", "Metric"]
