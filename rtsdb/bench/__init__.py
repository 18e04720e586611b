"""Measuring how fast it is here, where the time goes, and what another setting would change.

- what is measured: `setups` (combinations), `sweep` (all that work here), `frames`
- measuring: `session` (a whole run), `measure` (turns of engine and pipeline), `record` (the frames
  of a turn that count), `load/` and `mean_load` (what the machine spends), `probe/` (its peaks),
  `host` (what it is)
- results: `model` (their layout, explained in `schema.md`), `distribution`, `report_file` and
  `from_json`
- what follows from them: `derive` and `cost` (roofline), `warn` (reasons to doubt), `quality`,
  `holds` (largest frames), `pareto` (recommendation), `compare` (with an older report), `estimate`
  (of GPUs that nobody ran), `tuning` and `auto_tune` (for `rtsdb run --auto-tune`)
- showing them: `overview` and `tables` as text, `terminal`, `markdown`, `plots/`
"""
