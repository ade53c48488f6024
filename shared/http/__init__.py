"""REST as data: an endpoint is declared once, and gives its route, its typed decoding and its part of the OpenAPI."""
