"""How good the ranking is: measured on published patients, never on the numbers it was made of."""
