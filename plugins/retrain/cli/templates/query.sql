-- One row per customer and day of observation: what was known then, and whether the customer left within 30 days.
SELECT observed_at, plan, sessions, tickets, months_active, churned
FROM read_parquet('include/data/$model/*.parquet', union_by_name = true)
