"""The gate: an HTTP request comes in, a durable batch and a receipt go out.

``routes.py`` is the way in. A request passes ``auth.py`` (whose token), ``body.py`` (how large),
``check.py`` (valid?) and the queue before it is answered by ``answer.py``. The words of a refusal
come from ``envelope.py`` and ``violations.py``, which run only when something is wrong.
"""
