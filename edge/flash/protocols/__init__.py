"""Flash protocols without IO: generators of steps."""
