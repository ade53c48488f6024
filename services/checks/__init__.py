"""Whether a deployment's settings fit together, and fit what they name. Looks, and changes nothing."""
