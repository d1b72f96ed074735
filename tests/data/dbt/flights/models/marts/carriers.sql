select
    airlines.carrier,
    airlines.name,
    coalesce(alliances.alliance, 'none') as alliance
from {{ ref('stg_airlines') }} as airlines
left join {{ ref('alliances') }} as alliances on alliances.carrier = airlines.carrier
