"""A carrier that plays calls against voice hooks over HTTP, as Twilio does."""
