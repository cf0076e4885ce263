"""What shops were asked beside their messages, and in what our copy differed."""
