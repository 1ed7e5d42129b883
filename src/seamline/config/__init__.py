"""Settings: one table of them, read from flags, environment and ``seamline.toml``."""
