-- Which server this is: its version as a number and as text.
select json_build_array(
  current_setting('server_version_num')::int,
  current_setting('server_version'),
  version()
)
