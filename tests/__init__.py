"""Every promise of Parley, proven: unit, integration, system, bench."""
