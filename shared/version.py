"""The one version of Parley: of the package, its command and its OpenAPI documents."""

VERSION = "0.1.0"
