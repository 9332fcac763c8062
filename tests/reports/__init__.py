"""Reports: rollups, figures, exports, mails."""
