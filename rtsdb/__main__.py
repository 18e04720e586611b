"""`python -m rtsdb` is `rtsdb`."""

from rtsdb.cli import main

main()
