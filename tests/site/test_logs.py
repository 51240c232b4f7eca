"""The error log: written, reopened after rotation, and harmless when it cannot be."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from granian.log import LogLevels, configure_logging

from objectstore_site.logs import ErrorLog
from objectstore_site.management.commands.serve import server_logs


@pytest.fixture
def logger() -> logging.Logger:
    return logging.Logger("test")


def add_file(logger: logging.Logger, file: Path) -> ErrorLog:
    handler = ErrorLog(file, delay=True)
    logger.addHandler(handler)
    return handler


def test_errors_are_written_also_after_rotation(logger, tmp_path):
    handler = add_file(logger, tmp_path / "error.log")
    logger.error("first")
    (tmp_path / "error.log").rename(tmp_path / "error.log.1")
    logger.error("second")
    handler.close()
    assert (tmp_path / "error.log.1").read_text() == "first\n"
    assert (tmp_path / "error.log").read_text() == "second\n"


def test_a_log_that_cannot_be_opened_fails_no_request(logger, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    add_file(logger, tmp_path / "file" / "error.log")
    logger.error("lost")
    said = capsys.readouterr().err
    assert said.endswith("cannot be written (Not a directory): lost\n")
    assert "Traceback" not in said


def test_the_servers_warning_of_threads_that_are_meant_is_left_out(settings, capsys):
    settings.LOG_FORMAT = "text"
    configure_logging(LogLevels.info, server_logs())
    server = logging.getLogger("_granian")
    server.warning("Configuration allows spawning up to 32 Python threads, which seems")
    server.warning("Something else")
    assert capsys.readouterr().out == "[WARNING] Something else\n"
