"""What several test folders share: a real Kafka broker and the machine's parts around it."""
