"""The networks: short files of plain modules, built from typed configurations."""
