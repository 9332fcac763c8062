"""Reports: rollups, figures, exports, mails."""

"""Tests of reports."""
