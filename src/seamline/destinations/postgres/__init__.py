"""PostgreSQL, 15 and newer: one folder, the same file names as every destination."""
