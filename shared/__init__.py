"""What two services must agree on: settings, auth, wire types, names, logging, metrics. Runs nothing by itself."""
