"""Credit over many touches from what is stored: paths to each conversion, counted by day."""
