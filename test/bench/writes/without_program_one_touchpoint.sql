INSERT INTO feedback (customer_id, touchpoint_id, responded_at, score, metric) VALUES (1 + (random() * 99998)::integer, 7, now(), (random() * 10)::integer, 'nps');
