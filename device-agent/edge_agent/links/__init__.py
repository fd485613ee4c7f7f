"""The ways to the server: HTTP, MQTT, or a file."""
