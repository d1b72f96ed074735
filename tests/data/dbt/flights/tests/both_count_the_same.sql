-- No flight may be in one table and not in the other.
select *
from (select sum(flights) as flights from {{ ref('delays') }}) as delays
cross join (select sum(flights) as flights from {{ ref('departures') }}) as departures
where delays.flights != departures.flights
