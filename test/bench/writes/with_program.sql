INSERT INTO cx_data.feedback (customer_id, touchpoint_id, responded_at, score, metric) VALUES (1 + (random() * 99998)::integer, 1 + (random() * 49)::integer, now(), (random() * 10)::integer, 'nps');
