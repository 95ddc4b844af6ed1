INSERT INTO attached VALUES ((random() * 1e15)::bigint, 'c' || (random() * 99998)::integer, 'tp' || (1 + (random() * 49)::integer), (random() * 10)::integer, now());
