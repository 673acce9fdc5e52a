"""The ledger: entries, the rules of each move and what they add up to."""
