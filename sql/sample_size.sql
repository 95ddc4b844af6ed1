-- planning a survey

-- worked by hand: (1.959964 / 5)^2 * 10000 = 1536.6; with P 0.5 and D 0.3: 0.76 * 1536.6 = 1167.8
SELECT cx.nps_sample_size(5), cx.nps_sample_size(5, 0.95, '{0:3,7:2,10:5}'), cx.nps_sample_size(5, expected => '{}') AS nothing_expected, cx.nps_sample_size(2, 0.99);
-- 2 * ((1.959964 + 0.841621) / 5)^2 * 10000 = 6279.1
SELECT cx.nps_change_sample_size(5), cx.nps_change_sample_size(10, 0.9, 0.99), cx.nps_change_sample_size(5, expected => '{0:3,7:2,10:5}');
SELECT cx.nps_sample_size(NULL), cx.nps_sample_size(5, NULL), cx.nps_change_sample_size(NULL), cx.nps_change_sample_size(5, NULL);
-- such a sample gives such a margin
SELECT round(((e).upper - (e).lower) / 2) AS margin FROM (SELECT cx.nps_estimate('{0:350,7:234,10:584}') AS e) AS v;

SELECT cx.nps_sample_size(0);
SELECT cx.nps_sample_size(-5);
SELECT cx.nps_sample_size(101);
SELECT cx.nps_sample_size('NaN');
SELECT cx.nps_sample_size(1e-12);
SELECT cx.nps_sample_size(5, 1);
SELECT cx.nps_change_sample_size(5, 1);
SELECT cx.nps_change_sample_size(201);
-- the fewer, the smaller the power asked for
SELECT power, cx.nps_change_sample_size(10, power) FROM (VALUES (0.8), (0.5), (0.05), (0.025), (0.01), (1e-17)) AS v (power);
