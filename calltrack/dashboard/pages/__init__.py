"""One file per page; importing a file declares its page."""
