"""What members take part in: events, polls and surveys, challenges, lucky draws."""
