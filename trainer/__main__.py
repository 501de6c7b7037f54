"""`python -m trainer`."""

from trainer.cli.root import main

raise SystemExit(main())
