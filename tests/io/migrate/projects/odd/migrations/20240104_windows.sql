create table bom (id int);
create table crlf (id int);
