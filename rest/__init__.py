"""The REST door: the documented ``/api/v1`` contract, one file per noun."""
