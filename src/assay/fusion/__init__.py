"""What `assay merge` does without torch: asks a process that has it, evaluates, searches."""
