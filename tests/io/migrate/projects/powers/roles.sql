create role reporting nologin;
alter role reporting set statement_timeout = '30s';
