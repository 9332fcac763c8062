"""What advertising cost: read from the platforms, from files, typed in; and which campaign it paid for."""
