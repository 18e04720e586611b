"""Measuring how fast it is here, where the time goes, and what another setting would change."""
