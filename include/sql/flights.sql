-- One row a flight: what was known at its scheduled departure, and whether it arrived more than 15 minutes late.
-- DuckDB; paths are relative to the project root. One query without a semicolon: it is used as a subquery.
SELECT
    f.scheduled_departure,                                       -- event time: wall clock of New York
    f.hour,
    f.minute,
    isodow(f.scheduled_departure)::TINYINT AS day_of_week,       -- 1 is Monday
    f.distance,                                                  -- miles
    f.carrier,
    f.origin,
    f.dest,
    w.temp::FLOAT AS temp,                                       -- Fahrenheit
    w.humid::FLOAT AS humid,                                     -- relative humidity, per cent
    w.wind_speed::FLOAT AS wind_speed,                           -- miles an hour
    w.precip::FLOAT AS precip,                                   -- inches in the hour
    w.pressure::FLOAT AS pressure,                               -- millibars at sea level
    w.visib::FLOAT AS visib,                                     -- miles
    (f.arr_delay > 15)::TINYINT AS late                          -- label
FROM read_parquet('include/data/flights/*.parquet') AS f
-- The weather of an hour is observed until its 51st minute, so the last that is known at departure is that of an hour
-- before. ASOF takes the latest such row, and at most one: the join can neither leak nor repeat a flight.
ASOF LEFT JOIN read_parquet('include/data/weather/*.parquet') AS w
    ON f.origin = w.origin AND f.time_hour > w.time_hour
-- A cancelled or diverted flight has no arrival delay, so no label to learn from or to score.
WHERE f.arr_delay IS NOT NULL
