"""The devices of a tenant: how they come in, what they say, what people say of them."""
