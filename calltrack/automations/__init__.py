"""Small rules that act on what happened: alerts and answers nobody has to ask for."""
