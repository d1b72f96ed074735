select
    date(year, month, day) as day,
    carrier,
    origin,
    dep_delay
from {{ source('nycflights13', 'flights') }}
where date(year, month, day) <= '{{ var("until") }}'
