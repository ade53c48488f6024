"""How large a fleet must be, computed from what one unit of work was measured to cost. Pure."""
