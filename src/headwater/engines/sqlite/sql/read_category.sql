-- How many streams a category has.
SELECT streams FROM headwater_categories WHERE name = ?
