"""The REST routes, one module a group: shapes, handlers, and their endpoints as data."""
