"""Delivery stands in the log: this is its former address."""

from persistence.log.delivery import Delivery as Delivery
