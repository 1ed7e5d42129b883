"""The Connect API (import-api.md part 3): what the app does, for programs."""
