"""From signed payloads to images: what a device, a card writer and a factory line do alike."""
