-- SPDX-License-Identifier: PostgreSQL
-- A drop that was proposed because the index was invalid is not meant of one that has become valid since.
ALTER TABLE fettle.index_recommendations ADD COLUMN was_invalid boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN fettle.index_recommendations.was_invalid IS 'to drop: the index was invalid when it was looked at, which is why it may go';
UPDATE fettle.index_recommendations SET was_invalid = true
 WHERE recommendation_type = 'drop' AND status = 'recommended' AND unearned_id IS NULL AND reason LIKE 'a build of it failed or was broken off%';
