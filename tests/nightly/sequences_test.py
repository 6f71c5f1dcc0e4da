"""The random sequences of integration/transaction_test.py, ten thousand of them."""

import os
import sys

os.environ.setdefault("SANDBOX_RUN_SEQUENCES", "10000")
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../integration"))
import transaction_test  # noqa: E402, F401
