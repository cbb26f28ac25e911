-- Changes with every statement that could change the catalog as loaded: the transactions that last
-- wrote each system catalog, counted and added up. Far cheaper than loading it.
select concat_ws(
  ' ',
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_namespace),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_class),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_attribute),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_attrdef),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_constraint),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_rewrite),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_proc),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_type),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_enum),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_cast),
  (select concat(count(*), ':', sum(xmin::text::bigint)) from pg_description)
)
