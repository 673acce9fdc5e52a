SELECT scheduled_departure, sched_dep_time AS dep, distance AS dist,
    dayofweek(make_date(year::INT, month::INT, day::INT)) AS dow,
    hash(carrier) % 97 AS carrier, hash(origin) % 97 AS origin, hash(dest) % 251 AS dest,
    (arr_delay > 15)::INT AS late
FROM read_parquet('include/data/flights/*.parquet')
WHERE arr_delay IS NOT NULL
