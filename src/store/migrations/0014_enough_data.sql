-- SPDX-License-Identifier: PostgreSQL
-- When a measurement has, or will have, enough data: said by the noise before the change and the calls since, before the effect is known.

ALTER TABLE fettle.optimization_implementations
    ADD COLUMN enough_data_at timestamptz,
    ADD COLUMN detectable_percent double precision;
COMMENT ON COLUMN fettle.optimization_implementations.enough_data_at IS 'since when, or from when on as calls come, a harm of 20 % would be undone with a chance of 95 %; NULL: not within two weeks, or not known';
COMMENT ON COLUMN fettle.optimization_implementations.detectable_percent IS 'the least harm that would be undone with a chance of 95 % by the data so far';
