-- The survey as it is published: a column for each question.
\set ON_ERROR_STOP on

CREATE TABLE survey (
	respnum integer PRIMARY KEY, year integer, interview_day integer, weekday text, gate text, boarding_area text,
	strata integer, peak integer, method integer, airline text, destination text, dest_geo integer, dest_mark integer,
	purpose integer, getto integer, checked_bags integer, bought_store integer, bought_food integer, used_wifi integer,
	times_flown integer, first_time integer, long_use integer,
	art smallint, food smallint, store smallint, sign smallint, walkways smallint, screens smallint, info_down smallint,
	info_up smallint, wifi smallint, roads smallint, park smallint, airtrain smallint, lt_parking smallint, rental smallint,
	overall smallint, clean_boarding smallint, clean_airtrain smallint, clean_rental smallint, clean_food smallint,
	clean_restroom smallint, clean_all smallint, safe smallint, precheck integer,
	ease_getting smallint, ease_finding smallint, ease_security smallint, problem integer,
	nps smallint, live integer, age integer, gender integer, income integer, fly100k integer, lang integer,
	weight double precision, comment1 integer, comment2 integer, comment3 integer
);
COMMENT ON TABLE survey IS 'SFO customer survey, May 2017: one row a respondent, NULL where a question was left out';
COMMENT ON COLUMN survey.nps IS 'how likely to recommend the airport, 0-10';
COMMENT ON COLUMN survey.overall IS 'rating of the airport as a whole, 1-5';
COMMENT ON COLUMN survey.weight IS 'survey weight, 1 on average: gates and hours were not sampled in proportion';

CREATE TABLE purpose (purpose integer PRIMARY KEY, name text NOT NULL);
INSERT INTO purpose VALUES (1, 'business'), (2, 'pleasure'), (3, 'visiting friends');
