"""Where an image comes from: a build folder, a file, compressed or not, a URL."""
