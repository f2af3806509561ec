"""A group of verbs that suggests the nearest one for a mistyped name.

It refuses options with one value that are given twice.
"""

from __future__ import annotations

from typing import Any

import click

from tuner.cli.streams import noticing_a_closed_output


class Group(click.Group):
    """A group that suggests the nearest verb, and takes each option with one value once."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Parse the arguments, and print the help where it is requested.

        Raises:
            OutputClosed: The reader of the help has ended.
        """
        with noticing_a_closed_output():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises:
            OutputClosed: The reader of the output has ended.
        """
        with noticing_a_closed_output():
            return super().invoke(ctx)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the group's own options.

        Raises:
            click.UsageError: One is wrong, or given twice.
        """
        _check_given_once(self, ctx, args)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the verb that the arguments begin with.

        Raises:
            click.UsageError: There is no such verb (the message suggests the nearest and lists all), or one of its
                options is given twice.
        """
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], self.commands, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(
                f"no such command {args[0]!r}.{hint} Commands: {', '.join(sorted(self.commands))}", ctx
            )
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not isinstance(command, Group):
            _check_server(command, ctx, rest)
        if command is not None and not isinstance(command, Group):
            _check_given_once(command, click.Context(command, ctx, name, **command.context_settings), rest)
        return name, command, rest


def _check_server(command: click.Command, context: click.Context, arguments: list[str]) -> None:
    """Refuse --server of a verb that works on this machine.

    Raises:
        click.UsageError: It is given.
    """
    is_given = any(word == "--server" or word.startswith("--server=") for word in arguments)
    if is_given and not any("--server" in one.opts for one in command.params):
        raise click.UsageError(f"{command.name} works on this machine, not on a service: leave --server out", context)


def _check_given_once(command: click.Command, context: click.Context, args: list[str]) -> None:
    """Refuse an option with one value that is given twice: click would use the last, without a message.

    Raises:
        click.UsageError: One is given twice.
    """
    try:
        _, _, given = command.make_parser(context).parse_args(list(args))
    except click.UsageError:  # the command itself reports what cannot be parsed
        return
    single = [one for one in given if isinstance(one, click.Option) and not (one.multiple or one.is_flag or one.count)]
    for option in single:
        if single.count(option) > 1:
            raise click.UsageError(f"{option.opts[0]} takes one value, and is given twice", context)
