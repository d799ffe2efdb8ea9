"""Backtests: fit the smaller runs, forecast the larger ones, calibrate and compare."""
