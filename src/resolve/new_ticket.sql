-- What alerts and people hand over to open a ticket

CREATE TYPE cx.new_ticket AS (ticket_id bigint, origin text, priority text, emergency boolean, customer_id bigint, customer_merge_id bigint, segment text, touchpoint_id bigint,
	org_unit_id bigint, staff_id bigint, alert_id bigint, feedback_id bigint, subject text, detail text, sla text, opened_at timestamptz, actor text);
COMMENT ON TYPE cx.new_ticket IS 'a ticket to be opened, by the names of columns of cx_data.ticket, and the segment of its customer; part of add_tickets';
COMMENT ON COLUMN cx.new_ticket.ticket_id IS 'number of the ticket; NULL for the next one';
COMMENT ON COLUMN cx.new_ticket.origin IS 'centre or unit; NULL for centre';
COMMENT ON COLUMN cx.new_ticket.priority IS 'low, normal, high or urgent';
COMMENT ON COLUMN cx.new_ticket.emergency IS 'whether a rule of severity critical opens it';
COMMENT ON COLUMN cx.new_ticket.customer_id IS 'customer it is about';
COMMENT ON COLUMN cx.new_ticket.customer_merge_id IS 'merge by which the alert came to its customer';
COMMENT ON COLUMN cx.new_ticket.segment IS 'segment of the customer, for the service level';
COMMENT ON COLUMN cx.new_ticket.touchpoint_id IS 'touchpoint it is about';
COMMENT ON COLUMN cx.new_ticket.org_unit_id IS 'unit that it lies with; NULL for the one that owns the touchpoint';
COMMENT ON COLUMN cx.new_ticket.staff_id IS 'member of staff who works on it';
COMMENT ON COLUMN cx.new_ticket.alert_id IS 'alert that opens it';
COMMENT ON COLUMN cx.new_ticket.feedback_id IS 'feedback that it is about';
COMMENT ON COLUMN cx.new_ticket.subject IS 'what it is about, in words';
COMMENT ON COLUMN cx.new_ticket.detail IS 'more of that';
COMMENT ON COLUMN cx.new_ticket.sla IS 'code of the service level that is asked for; NULL for standard';
COMMENT ON COLUMN cx.new_ticket.opened_at IS 'when it was opened; NULL for now';
COMMENT ON COLUMN cx.new_ticket.actor IS 'database role that opens it; NULL for the current one';
