"""The whole product in one process: an embedded broker, made-up events, the service, a live table."""
