"""Hosts and ports: which ports answer, and what speaks behind them."""
