"""The broker of the console: Mosquitto as a child, set up so that devices can not harm others."""
