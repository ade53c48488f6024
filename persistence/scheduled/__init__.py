"""Messages that wait for their time: kept as their author gave them, and sent as any other then."""
