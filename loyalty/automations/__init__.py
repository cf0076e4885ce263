"""Who entered and left which segment, and what dated automations still have to look at."""
