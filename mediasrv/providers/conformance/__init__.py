"""What every provider owes to the call, as checks that any provider can be put through, whoever wrote it.

``suite.conform`` makes them all; each is also a plain function of a started provider and a ``Trial`` that returns a
``Verdict``. ``mediasrv check --live`` and the fixtures of ``mediasrv.pytest_plugin`` stand on them.
"""
