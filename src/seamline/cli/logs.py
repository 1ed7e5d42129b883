"""Log lines of the server processes on standard error: as text for people, as JSON for machines."""

import logging
import sys

from seamline.config.settings import Settings
from seamline.core.log import structlog

EventDict = structlog.typing.EventDict
Processor = structlog.typing.Processor


def set_up_logs(role: str, settings: Settings) -> None:
    """Send this process's log to standard error; what libraries log goes the same way."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        _naming(role),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(settings.log_format),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)


def _rendering(form: str) -> list[Processor]:
    if form == "json":
        return [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    console = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)
    return [_on_one_line, console]


def _on_one_line(logger: object, method: str, event: EventDict) -> EventDict:
    """Let nobody write lines of their own into the log, by a table's name for example."""
    del logger, method
    return {key: _escaped(value) for key, value in event.items()}


def _escaped(value: object) -> object:
    if isinstance(value, str) and not value.isprintable():
        return value.encode("unicode_escape").decode()
    return value


def _naming(role: str) -> Processor:
    def name(logger: object, method: str, event: EventDict) -> EventDict:
        del logger, method
        return {**event, "role": role}

    return name
