-- Takes back what postgres may have been given. Somebody else's server may have been made with
-- postgres as its first superuser, which can not be altered.
do $demote$
begin
  if to_regrole('postgres')::oid <> 10 then
    alter role postgres nosuperuser;
  end if;
end
$demote$;
