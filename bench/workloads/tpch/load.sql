-- SPDX-License-Identifier: PostgreSQL
-- Fills the tables of schema.sql in the shape of clause 4.2 of the TPC-H specification: numbers of rows, keys, formulas, value
-- sets and their shares, the grammar of comments. The values themselves are this project's own, drawn by hashing, so that the
-- same scale always gives the same rows. psql variable "scale": 1 makes 1.3 GB; 0.01 is the least.
\if :{?scale}
\else
\set scale 1
\endif
SET client_min_messages = warning;
SET work_mem = '256MB';
SET synchronous_commit = off;
-- Order numbers leave gaps: the first 8 of each 32. A third of the customers never orders.
SELECT ceil(10000 * :scale)::int AS suppliers, ceil(200000 * :scale)::int AS parts, 3 * ceil(50000 * :scale)::int AS customers,
       ceil(1500000 * :scale)::int AS orders, greatest(1, round(1000 * :scale))::int AS clerks,
       greatest(1024, least(16384, 60000 * :scale))::int AS texts \gset

-- A whole number from 0 to below "most"; each use has a salt of its own.
CREATE FUNCTION pg_temp.pick(n bigint, salt int, most int) RETURNS int LANGUAGE sql IMMUTABLE
    AS 'SELECT ((hashint8extended($1, $2) & 9223372036854775807) % $3)::int';
CREATE FUNCTION pg_temp.phone(n bigint, salt int, nation int) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT $3 + 10 || '-' || 100 + pg_temp.pick($1, $2, 900) || '-' || 100 + pg_temp.pick($1, $2 + 1, 900) || '-'
          || 1000 + pg_temp.pick($1, $2 + 2, 9000) $$;
CREATE FUNCTION pg_temp.address(n bigint, salt int) RETURNS text LANGUAGE sql IMMUTABLE
    AS $$ SELECT left(md5($1 || 'a' || $2) || md5($1 || 'b' || $2), 10 + pg_temp.pick($1, $2, 31)) $$;
-- The suppliers of a part, the same four in partsupp and lineitem.
CREATE FUNCTION pg_temp.supplier(part int, which int, suppliers int) RETURNS int LANGUAGE sql IMMUTABLE
    AS 'SELECT ($1 + $2 * ($3 / 4 + ($1 - 1) / $3)) % $3 + 1';
CREATE FUNCTION pg_temp.price_cents(part int) RETURNS int LANGUAGE sql IMMUTABLE
    AS 'SELECT 90000 + ($1 / 10) % 20001 + 100 * ($1 % 1000)';

-- Words, each as often as its weight says.
CREATE TEMPORARY TABLE vocabulary AS
SELECT kind, row_number() OVER (PARTITION BY kind ORDER BY place, copy)::int - 1 AS place, replace(word, '_', ' ') AS word
FROM (VALUES
    ('N', 40, 'packages requests accounts deposits'), ('N', 20, 'foxes ideas theodolites pinto_beans instructions'),
    ('N', 10, 'dependencies excuses platelets asymptotes'), ('N', 5, 'courts dolphins'),
    ('N', 1, 'multipliers sauternes warthogs frets dinos attainments somas Tiresias'' patterns forges braids hockey_players frays warhorses dugouts notornis epitaphs pearls tithes waters orbits gifts sheaves depths sentiments decoys realms pains grouches escapades'),
    ('V', 20, 'sleep wake are cajole haggle'), ('V', 10, 'nag use boost'), ('V', 5, 'affix detect integrate'),
    ('V', 1, 'maintain nod was lose sublate solve thrash promise engage hinder print x-ray breach eat grow impress mold poach serve run dazzle snooze doze unwind kindle play hang believe doubt'),
    ('J', 50, 'regular'), ('J', 40, 'final ironic'), ('J', 30, 'even'), ('J', 20, 'special pending unusual express bold'), ('J', 10, 'silent'),
    ('J', 1, 'furious sly careful blithe quick fluffy slow quiet ruthless thin close dogged daring brave stealthy permanent enticing idle busy'),
    ('D', 50, 'furiously slyly carefully'), ('D', 40, 'blithely'), ('D', 30, 'quickly'), ('D', 20, 'fluffily'),
    ('D', 1, 'sometimes always never slowly quietly ruthlessly thinly closely doggedly daringly bravely stealthily permanently enticingly idly busily regularly finally ironically evenly boldly silently'),
    ('P', 50, 'about above according_to across after'), ('P', 40, 'against along'),
    ('P', 10, 'alongside_of among around at atop before behind beneath beside besides between beyond by despite during'),
    ('P', 1, 'except for from in_place_of inside instead_of into near of on outside over past since through throughout to toward under until up upon without with within'),
    ('X', 1, 'do may might shall will would can could should ought_to must will_have_to shall_have_to could_have_to should_have_to must_have_to need_to try_to'),
    ('T', 50, '.'), ('T', 1, '; : ? ! --')) AS list (kind, weight, words),
    LATERAL regexp_split_to_table(words, ' ') WITH ORDINALITY AS w (word, place), generate_series(1, weight) AS copy;
CREATE TEMPORARY TABLE vocabularies AS SELECT kind, array_agg(word ORDER BY place) AS words, count(*)::int AS many FROM vocabulary GROUP BY kind;
CREATE FUNCTION pg_temp.word(kind text, n bigint, salt int) RETURNS text LANGUAGE sql STABLE
    AS 'SELECT v.words[1 + pg_temp.pick($2, $3, v.many)] FROM pg_temp.vocabularies v WHERE v.kind = $1';
CREATE TEMPORARY TABLE phrases AS
SELECT 'N' AS kind, n, CASE WHEN form < 10 THEN noun WHEN form < 30 THEN adjective || ' ' || noun
       WHEN form < 40 THEN adjective || ', ' || pg_temp.word('J', n, 14) || ' ' || noun
       ELSE pg_temp.word('D', n, 15) || ' ' || adjective || ' ' || noun END AS words
FROM (SELECT n, pg_temp.pick(n, 11, 90) AS form, pg_temp.word('N', n, 12) AS noun, pg_temp.word('J', n, 13) AS adjective
      FROM generate_series(0, 8191) n) s
UNION ALL
SELECT 'V', n, CASE WHEN form < 30 THEN verb WHEN form = 30 THEN pg_temp.word('X', n, 23) || ' ' || verb
       WHEN form < 71 THEN verb || ' ' || adverb ELSE pg_temp.word('X', n, 23) || ' ' || verb || ' ' || adverb END
FROM (SELECT n, pg_temp.pick(n, 21, 72) AS form, pg_temp.word('V', n, 22) AS verb, pg_temp.word('D', n, 24) AS adverb
      FROM generate_series(0, 2047) n) s;
INSERT INTO phrases
SELECT 'P', p.n, pg_temp.word('P', p.n, 31) || ' the ' || o.words
FROM phrases o JOIN (SELECT n, pg_temp.pick(n, 32, 8192) AS object FROM generate_series(0, 8191) n) p ON o.kind = 'N' AND o.n = p.object;
ANALYZE phrases;
-- Runs of sentences; a comment is a piece of one, from somewhere in its first hundred characters.
CREATE TEMPORARY TABLE texts AS
SELECT (s.n / 8)::int AS id, rpad(string_agg(subject.words || CASE WHEN form > 8 THEN ' ' || prepositional.words ELSE '' END || ' ' || verb.words
       || CASE WHEN form < 3 THEN '' WHEN form IN (3, 4, 5, 10) THEN ' ' || ending.words ELSE ' ' || object.words END
       || pg_temp.word('T', s.n, 41), ' ' ORDER BY s.n), 310, ' regular deposits sleep. ') AS body
FROM (SELECT n, pg_temp.pick(n, 42, 11) AS form, pg_temp.pick(n, 43, 8192) AS a, pg_temp.pick(n, 44, 2048) AS b, pg_temp.pick(n, 45, 8192) AS c,
             pg_temp.pick(n, 46, 8192) AS d, pg_temp.pick(n, 47, 8192) AS e FROM generate_series(0, :texts * 8 - 1) n) s
     JOIN phrases subject ON subject.kind = 'N' AND subject.n = s.a JOIN phrases verb ON verb.kind = 'V' AND verb.n = s.b
     JOIN phrases object ON object.kind = 'N' AND object.n = s.c JOIN phrases prepositional ON prepositional.kind = 'P' AND prepositional.n = s.d
     JOIN phrases ending ON ending.kind = 'P' AND ending.n = s.e
GROUP BY 1;
ANALYZE texts;
CREATE FUNCTION pg_temp.piece(body text, n bigint, salt int, least_length int, most_length int) RETURNS text LANGUAGE sql IMMUTABLE
    AS 'SELECT substr($1, 1 + pg_temp.pick($2, $3, 100), $4 + pg_temp.pick($2, $3 + 1, $5 - $4 + 1))';

INSERT INTO region
SELECT n - 1, (ARRAY['AFRICA', 'AMERICA', 'ASIA', 'EUROPE', 'MIDDLE EAST'])[n], pg_temp.piece(t.body, n, 51, 31, 115)
FROM generate_series(1, 5) n JOIN texts t ON t.id = n;
INSERT INTO nation
SELECT n - 1, split_part(entry, '=', 1), split_part(entry, '=', 2)::int, pg_temp.piece(t.body, n, 53, 31, 114)
FROM unnest(string_to_array('ALGERIA=0,ARGENTINA=1,BRAZIL=1,CANADA=1,EGYPT=4,ETHIOPIA=0,FRANCE=3,GERMANY=3,INDIA=2,INDONESIA=2,IRAN=4,IRAQ=4,JAPAN=2,JORDAN=4,KENYA=0,MOROCCO=0,MOZAMBIQUE=0,PERU=1,CHINA=2,ROMANIA=3,SAUDI ARABIA=4,VIETNAM=2,RUSSIA=3,UNITED KINGDOM=3,UNITED STATES=1',
                            ',')) WITH ORDINALITY AS e (entry, n) JOIN texts t ON t.id = 100 + n ORDER BY n;

-- Five in ten thousand suppliers have complaints, as many have praise; at any scale there is one with complaints.
INSERT INTO supplier
SELECT n, 'Supplier#' || lpad(n::text, 9, '0'), pg_temp.address(n, 61), nation, pg_temp.phone(n, 62, nation), (pg_temp.pick(n, 65, 1099999) - 99999) * 0.01,
       CASE WHEN n % 2000 = 77 THEN overlay(piece PLACING 'Customer ' || left(piece, 4) || 'Complaints' FROM 1 FOR 23)
            WHEN n % 2000 = 1077 THEN overlay(piece PLACING 'Customer ' || left(piece, 4) || 'Recommends' FROM 1 FOR 23) ELSE piece END
FROM (SELECT n, pg_temp.pick(n, 66, 25) AS nation, pg_temp.piece(t.body, n, 67, 25, 100) AS piece
      FROM generate_series(1, :suppliers) n JOIN texts t ON t.id = pg_temp.pick(n, 69, :texts)) s ORDER BY n;

-- Five different colours of 92 name a part: any step below 23 that is odd visits five.
INSERT INTO part
SELECT n, concat_ws(' ', colours[1 + colour], colours[1 + (colour + step) % 92], colours[1 + (colour + 2 * step) % 92],
                    colours[1 + (colour + 3 * step) % 92], colours[1 + (colour + 4 * step) % 92]),
       'Manufacturer#' || maker, 'Brand#' || maker || 1 + pg_temp.pick(n, 73, 5),
       concat_ws(' ', (ARRAY['STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO'])[1 + pg_temp.pick(n, 74, 6)],
                 (ARRAY['ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED'])[1 + pg_temp.pick(n, 75, 5)],
                 (ARRAY['TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'])[1 + pg_temp.pick(n, 76, 5)]),
       1 + pg_temp.pick(n, 77, 50),
       concat_ws(' ', (ARRAY['SM', 'LG', 'MED', 'JUMBO', 'WRAP'])[1 + pg_temp.pick(n, 78, 5)],
                 (ARRAY['CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'])[1 + pg_temp.pick(n, 79, 8)]),
       pg_temp.price_cents(n) * 0.01, piece
FROM (SELECT n, pg_temp.pick(n, 80, 92) AS colour, 1 + 2 * pg_temp.pick(n, 81, 11) AS step, 1 + pg_temp.pick(n, 82, 5) AS maker,
             pg_temp.piece(t.body, n, 83, 5, 22) AS piece,
             '{almond,antique,aquamarine,azure,beige,bisque,black,blanched,blue,blush,brown,burlywood,burnished,chartreuse,chiffon,chocolate,coral,cornflower,cornsilk,cream,cyan,dark,deep,dim,dodger,drab,firebrick,floral,forest,frosted,gainsboro,ghost,goldenrod,green,grey,honeydew,hot,indian,ivory,khaki,lace,lavender,lawn,lemon,light,lime,linen,magenta,maroon,medium,metallic,midnight,mint,misty,moccasin,navajo,navy,olive,orange,orchid,pale,papaya,peach,peru,pink,plum,powder,puff,purple,red,rose,rosy,royal,saddle,salmon,sandy,seashell,sienna,sky,slate,smoke,snow,spring,steel,tan,thistle,tomato,turquoise,violet,wheat,white,yellow}'::text[] AS colours
      FROM generate_series(1, :parts) n JOIN texts t ON t.id = pg_temp.pick(n, 85, :texts)) s ORDER BY n;

INSERT INTO partsupp
SELECT part, pg_temp.supplier(part, which, :suppliers), 1 + pg_temp.pick(n, 91, 9999), (100 + pg_temp.pick(n, 92, 99901)) * 0.01,
       pg_temp.piece(t.body, n, 93, 49, 198)
FROM (SELECT p AS part, i AS which, 4::bigint * p + i AS n FROM generate_series(1, :parts) p, generate_series(0, 3) i) s
     JOIN texts t ON t.id = pg_temp.pick(n, 95, :texts);

INSERT INTO customer
SELECT n, 'Customer#' || lpad(n::text, 9, '0'), pg_temp.address(n, 101), nation, pg_temp.phone(n, 102, nation), (pg_temp.pick(n, 105, 1099999) - 99999) * 0.01,
       (ARRAY['AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD'])[1 + pg_temp.pick(n, 106, 5)], piece
FROM (SELECT n, pg_temp.pick(n, 107, 25) AS nation, pg_temp.piece(t.body, n, 108, 29, 116) AS piece
      FROM generate_series(1, :customers) n JOIN texts t ON t.id = pg_temp.pick(n, 110, :texts)) s;

-- Up to seven lines an order. Lines whose dates lie before 1995-06-17 are shipped ('F'), the others open ('O').
INSERT INTO lineitem
SELECT orderkey, part, pg_temp.supplier(part, pg_temp.pick(n, 121, 4), :suppliers), line, quantity, quantity * pg_temp.price_cents(part) * 0.01,
       pg_temp.pick(n, 122, 11) * 0.01, pg_temp.pick(n, 123, 9) * 0.01,
       CASE WHEN shipped + received > date '1995-06-17' THEN 'N' WHEN pg_temp.pick(n, 124, 2) = 0 THEN 'R' ELSE 'A' END,
       CASE WHEN shipped > date '1995-06-17' THEN 'O' ELSE 'F' END, shipped, ordered + 30 + pg_temp.pick(n, 125, 61), shipped + received,
       (ARRAY['DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'])[1 + pg_temp.pick(n, 126, 4)],
       (ARRAY['REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'])[1 + pg_temp.pick(n, 127, 7)], pg_temp.piece(t.body, n, 128, 10, 43)
FROM (SELECT orderkey, ordered, line, 8 * orderkey + line AS n, 1 + pg_temp.pick(8 * orderkey + line, 130, :parts) AS part,
             1 + pg_temp.pick(8 * orderkey + line, 131, 50) AS quantity, ordered + 1 + pg_temp.pick(8 * orderkey + line, 132, 121) AS shipped,
             1 + pg_temp.pick(8 * orderkey + line, 133, 30) AS received
      FROM (SELECT o / 8 * 32 + o % 8 + 1 AS orderkey, date '1992-01-01' + pg_temp.pick(o, 134, 2406) AS ordered, 1 + pg_temp.pick(o, 135, 7) AS lines
            FROM generate_series(0::bigint, :orders - 1) o) k, generate_series(1, lines) line) s
     JOIN texts t ON t.id = pg_temp.pick(n, 136, :texts);

INSERT INTO orders
SELECT l.orderkey, (customer / 2) * 3 + 1 + customer % 2, l.status, l.total, date '1992-01-01' + pg_temp.pick(o, 134, 2406),
       (ARRAY['1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT SPECIFIED', '5-LOW'])[1 + pg_temp.pick(o, 141, 5)],
       'Clerk#' || lpad((1 + pg_temp.pick(o, 142, :clerks))::text, 9, '0'), 0, pg_temp.piece(t.body, o, 143, 19, 78)
FROM (SELECT orderkey, status, total, (orderkey - 1) / 32 * 8 + (orderkey - 1) % 32 AS o,
             pg_temp.pick((orderkey - 1) / 32 * 8 + (orderkey - 1) % 32, 145, :customers / 3 * 2) AS customer
      FROM (SELECT l_orderkey AS orderkey, sum(l_extendedprice * (1 + l_tax) * (1 - l_discount)) AS total,
                   CASE min(l_linestatus) || max(l_linestatus) WHEN 'FF' THEN 'F' WHEN 'OO' THEN 'O' ELSE 'P' END AS status
            FROM lineitem GROUP BY l_orderkey) g ORDER BY orderkey) l
     JOIN texts t ON t.id = pg_temp.pick(l.o, 146, :texts);
VACUUM ANALYZE region, nation, supplier, part, partsupp, customer, orders, lineitem;
