"""calltrack: call tracking and offline conversions for companies that sell by phone."""
