"""MySQL 8 and MariaDB 10.6, and newer: one folder, the same file names as every destination."""
