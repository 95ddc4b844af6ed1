-- A database of its own for the telecom operator, with cx in it.  Its zone and
-- date style are pinned, so that everybody sees the numbers of the README.
\set ON_ERROR_STOP on
\set QUIET on
CREATE DATABASE telecom;
\connect telecom
ALTER DATABASE telecom SET timezone = 'UTC';
ALTER DATABASE telecom SET datestyle = 'ISO, YMD';
CREATE EXTENSION cx;
\ir load.sql
\ir program.sql
-- the views look at the data as on the first of July 2026
ALTER DATABASE telecom SET cx.as_of = '2026-07-01 00:00+02';
