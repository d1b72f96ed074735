{{ config(materialized='incremental', incremental_strategy='merge', unique_key=['day', 'carrier']) }}

select
    day,
    carrier,
    count(*) as flights,
    avg(dep_delay) as mean_delay
from {{ ref('stg_flights') }}
{% if is_incremental() %}
where day >= (select max(day) from {{ this }})
{% endif %}
group by day, carrier
