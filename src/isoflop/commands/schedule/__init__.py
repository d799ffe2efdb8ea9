"""Learning-rate schedules: the loss along one, and the best length of a decay."""

SECTION = "Forecasts"
