"""Who a device is: the authorities of a factory and its stations, and what they sign."""
