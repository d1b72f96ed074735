{{ config(
    materialized='incremental',
    incremental_strategy='insert_overwrite',
    partition_by={'field': 'day', 'data_type': 'date'}
) }}

select
    day,
    origin,
    count(*) as flights
from {{ ref('stg_flights') }}
{% if is_incremental() %}
where day >= _dbt_max_partition
{% endif %}
group by day, origin
