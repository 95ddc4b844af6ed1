-- Whether every ticket was given to one person, and nobody has too many.
\set ON_ERROR_STOP on
DO $$
BEGIN
	IF EXISTS (SELECT FROM cx_data.ticket WHERE staff_id IS NULL)
		OR EXISTS (SELECT FROM cx_data.ticket_event WHERE kind = 'assigned' GROUP BY ticket_id HAVING count(*) > 1)
		OR EXISTS (SELECT FROM cx_data.ticket JOIN cx_data.staff USING (staff_id) GROUP BY staff_id, max_tickets HAVING count(*) > max_tickets) THEN
		RAISE EXCEPTION 'tickets were not routed as they should be';
	END IF;
END $$;
