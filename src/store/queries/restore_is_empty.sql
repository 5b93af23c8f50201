-- A store that nobody has begun to use.
SELECT NOT EXISTS (SELECT FROM fettle.targets) AND NOT EXISTS (SELECT FROM fettle.users) AND NOT EXISTS (SELECT FROM fettle.tokens)
