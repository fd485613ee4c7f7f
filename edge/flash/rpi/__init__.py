"""What only Raspberry Pi has: files for its boot ROM, its EEPROM, its signatures."""
