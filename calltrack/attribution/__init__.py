"""Which visit made the call, with an honest probability and the reasons."""
