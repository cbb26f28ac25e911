-- A project that slept for days wakes without a partition for today.
do $partitions$
begin
  if to_regproc('realtime.maintain_message_partitions') is not null then
    perform realtime.maintain_message_partitions();
  end if;
end
$partitions$;
