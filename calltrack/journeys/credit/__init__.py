"""Credit over many touches: which channels brought the conversions, under ten models. Pure."""
