-- What the README takes as given: the extension, and a reader who looks at UTC.
CREATE EXTENSION cx;
ALTER DATABASE telecom SET timezone = 'UTC';
ALTER DATABASE telecom SET datestyle = 'ISO, YMD';
