-- Step 2 of 3: copies what was there before step 1. Hours on a big table; run it in `screen`, stop and repeat it at will.
CALL copy_log(batch => 5000, pause_seconds => 0.05);
