"""Values every room may use: clock, ids, phone numbers, money, touches, errors."""
