"""All SQL of Parley, one module per aggregate. Knows no HTTP and no Redis; expected outcomes are values."""
