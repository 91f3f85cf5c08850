"""Settings as a command's options, and what a command makes of them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from seeder import logs
from seeder.config import ADMIN_TOKEN_VARIABLE, Config, load, unknown_variables
from seeder.errors import ConfigError
from seeder.running import stopper
from seeder.settings import SETTINGS

logger = logging.getLogger(__name__)

TERMS = (
    *("sharing", "max_upload", "max_ratio", "min_viewers", "upload_on_cellular", "upload_when_hidden"),
    "ice_transport_policy",
)
"""What viewers may exchange: it stands in manifests."""
Command = Callable[..., Any]


def settings(*names: str, **meaning: str) -> Callable[[Command], Command]:
    """Adds ``--config`` and one option per setting; values stay text, :mod:`seeder.settings` checks them.
    ``meaning``: help of those that mean something else here."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            row = SETTINGS[name]
            help_text = meaning.get(name, row.help)
            if row.metavar:
                option = click.option(
                    row.flag, name, metavar=row.metavar, multiple=row.repeat, help=help_text
                )
            else:
                both = f"{row.flag}/--no-{row.flag.removeprefix('--')}"
                option = click.option(both, name, default=None, help=help_text)
            command = option(command)
        help_text = "TOML file with any of these settings."
        return click.option("--config", "config_file", metavar="FILE", help=help_text)(command)

    return decorate


def configure(config_file: str | None, flags: Mapping[str, object]) -> Config:
    config = load(flags, os.environ, Path(config_file) if config_file else None)
    logs.setup(config.log_format, config.log_level)
    for warning in unknown_variables(os.environ):
        logger.warning(warning)
    stopper.hold()
    return config


def read_again(config_file: str | None, flags: Mapping[str, object]) -> Callable[[], Config]:
    """The same, once more: what the file says may be otherwise by then."""
    # The admin's token is taken out of the environment; so no copy of it is kept here either.
    environ = {name: value for name, value in os.environ.items() if name != ADMIN_TOKEN_VARIABLE}
    return partial(load, dict(flags), environ, Path(config_file) if config_file else None)


def checked(source: str) -> str:
    if not source.strip():
        raise ConfigError("the input is empty; name a file or a URL")
    if "\n" in source:
        raise ConfigError("the input's name has a line break in it")
    return source
