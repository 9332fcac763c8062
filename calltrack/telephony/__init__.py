"""The only folder that knows a carrier: forms become events, call plans become documents."""
