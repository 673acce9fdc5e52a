-- One row per event: what was known then, and the label. The casts keep types as they are now, whatever later files hold.
${left_out}SELECT
  $columns
FROM $source
WHERE $label_in_data IS NOT NULL
