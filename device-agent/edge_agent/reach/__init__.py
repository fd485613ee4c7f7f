"""What the device does once when somebody asks: four words, beside updates."""
