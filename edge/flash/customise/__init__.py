"""Device.yml: what one device gets before its first start, as files of its data partition."""
