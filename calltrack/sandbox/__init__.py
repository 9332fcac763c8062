"""The outside world in small: a carrier, ad platforms, a demo site. Ships with the product."""
