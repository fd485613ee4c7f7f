"""Labels of devices: a QR code and what people read, for files and printers."""
