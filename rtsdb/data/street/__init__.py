"""A procedurally drawn drive through a street, with its own ground-truth labels."""

from rtsdb.data.street.scene import Street

__all__ = ["Street"]
