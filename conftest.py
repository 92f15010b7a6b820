"""What pytest needs at the root; fixtures and options come with the plugin, installed or not."""

pytest_plugins = ["pytester"]
