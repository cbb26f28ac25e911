-- pgaudit writes the server's log; only the names of its event trigger functions, which dumps grant, are here.
create function pgaudit_ddl_command_end() returns event_trigger language plpgsql as $body$ begin end $body$;
create function pgaudit_sql_drop() returns event_trigger language plpgsql as $body$ begin end $body$;
