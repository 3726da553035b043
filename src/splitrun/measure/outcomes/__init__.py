"""What is read off the units once their rows are added up: outcomes, covariates, caps, looks, clusters."""

from __future__ import annotations
