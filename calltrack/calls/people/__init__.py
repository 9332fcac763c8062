"""What people do about a call: tags, notes, who deals with it, how far the lead is, missed calls."""
