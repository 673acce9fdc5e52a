"""The API's schemas, one file per page."""
