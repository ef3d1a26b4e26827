"""What a running service shows of itself: metrics, HTTP endpoints, JSON logs."""
