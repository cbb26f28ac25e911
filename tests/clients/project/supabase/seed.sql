insert into authors values
  (1, 'Ada', '1900-05-01', 'GB', null),
  (2, 'Bela', '1930-06-01', 'HU', 1),
  (3, 'Chen', null, null, 1),
  (4, 'Dora', '1960-01-01', 'HU', 2);
insert into author_profiles values
  (1, 'first', '{"home": "https://ada.example", "mail": null}'),
  (2, 'second', null);
insert into books
  (id, author_id, title, subtitle, price, pages, in_print, tags, lent, meta, raw, published) values
  (1, 1, 'The red fox', 'a tale', 9.50, 100, true, '{animals,red}', '[1,10)',
   '{"lang": "en", "size": {"w": 10}, "list": [1, 2]}', '{"a": 1}', '2001-01-01 00:00+00'),
  (2, 1, 'The blue foxes run', null, 20.00, 250, false, '{animals,blue}', '[10,20)',
   '{"lang": "en"}', null, '2005-06-01 12:00+00'),
  (3, 2, 'Cooking, slowly', 'Recipes (all)', 5.25, 80, true, '{food}', '[20,30)',
   '{"lang": "hu"}', null, '2010-01-01 00:00+00'),
  (4, 3, '100% wool', null, null, 300, null, '{}', null, null, null, null),
  (5, 2, 'fox and hound', 'a "quoted" word', 7.00, 120, true, '{animals,food}', '[5,15)',
   '{"lang": "de", "size": {"w": 3}}', '{"a": [1]}', '2020-02-02 02:02+02');
insert into genres values (1, 'fiction'), (2, 'nature'), (3, 'home');
insert into book_genres values (1, 1), (1, 2), (2, 2), (3, 3), (5, 1);
insert into letters values (1, 1, 2);
insert into stacks.shelves values (1, 'north'), (2, 'south');
insert into entries (code, label, amount) values ('kept', 'kept', 1);
