-- Tickets that wait for somebody.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CALL empty();
SELECT count(cx.open_ticket('ticket ' || i, customer => 'c' || i, touchpoint => 'tp' || 1 + i % 50, org_unit => 'unit' || 1 + i % 8)) FROM generate_series(1, :tickets) AS i \g /dev/null
ANALYZE cx_data.ticket, cx_data.ticket_event;
