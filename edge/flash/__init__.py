"""Put images onto boards: sources, targets, methods, and the jobs that join them."""
