create function add_one(x int) returns int language sql immutable
begin atomic;
  select case when x is null then 0 else x + 1 end;
end;
create procedure bump() language plpgsql as $proc$ begin update orders set total = total + 1; commit; end $proc$;
savepoint a;
insert into orders values (3, 30);
rollback to savepoint a;
release savepoint a;
