-- View of surveys: how many answer

CREATE OR REPLACE VIEW cx_data.response_rate WITH (security_invoker = true) AS
WITH counted AS (
	SELECT i.survey_id, i.channel,
		count(*) FILTER (WHERE status = 'suppressed') AS suppressed_count,
		count(*) FILTER (WHERE status <> 'suppressed' AND sent_at IS NULL AND answered_at IS NULL) AS queued_count,
		count(*) FILTER (WHERE status <> 'suppressed' AND (sent_at IS NOT NULL OR answered_at IS NOT NULL)) AS sent_count,
		count(*) FILTER (WHERE answered_at <= cx.as_of()) AS answered_count,
		count(*) FILTER (WHERE status <> 'suppressed' AND sent_at IS NOT NULL AND answered_at IS NULL AND expires_at > cx.as_of()) AS open_count
	FROM cx_data.invitation AS i
	WHERE invited_at <= cx.as_of()
	GROUP BY i.survey_id, i.channel
)
SELECT s.survey_id, s.code AS survey, s.name AS survey_name, c.channel,
	c.suppressed_count, c.queued_count, c.sent_count, c.open_count, c.answered_count,
	e.value AS response_rate, e.lower, e.upper
FROM counted AS c
JOIN cx_data.survey AS s USING (survey_id)
CROSS JOIN LATERAL cx.share_estimate(c.answered_count, c.sent_count, 0.95) AS e;
COMMENT ON VIEW cx_data.response_rate IS 'how many of those invited answer, by survey and channel. The rate is that of all invitations sent until cx.as_of(), answered or not, those that may still be answered included; suppressed and queued ones do not count';
COMMENT ON COLUMN cx_data.response_rate.survey_id IS 'the survey';
COMMENT ON COLUMN cx_data.response_rate.survey IS 'code of the survey';
COMMENT ON COLUMN cx_data.response_rate.survey_name IS 'name of the survey';
COMMENT ON COLUMN cx_data.response_rate.channel IS 'channel of the invitations';
COMMENT ON COLUMN cx_data.response_rate.suppressed_count IS 'invitations that a rule or the customer forbade';
COMMENT ON COLUMN cx_data.response_rate.queued_count IS 'invitations not sent yet, or never';
COMMENT ON COLUMN cx_data.response_rate.sent_count IS 'invitations sent: the denominator of the rate';
COMMENT ON COLUMN cx_data.response_rate.open_count IS 'of these, not answered and not expired';
COMMENT ON COLUMN cx_data.response_rate.answered_count IS 'of these, answered';
COMMENT ON COLUMN cx_data.response_rate.response_rate IS 'answered_count in percent of sent_count; NULL if none was sent';
COMMENT ON COLUMN cx_data.response_rate.lower IS 'lower end of its 95 % interval (Wilson)';
COMMENT ON COLUMN cx_data.response_rate.upper IS 'upper end of its 95 % interval';
