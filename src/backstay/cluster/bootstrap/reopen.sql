-- Lets clients in again after a reset that was killed while it kept them out.
do $reopen$
begin
  if (select datconnlimit from pg_database where datname = current_database()) = 0 then
    execute format('alter database %I connection limit -1', current_database());
  end if;
end
$reopen$;
