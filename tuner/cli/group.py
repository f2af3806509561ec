"""A group of verbs that suggests the nearest one to what was mistyped."""

from __future__ import annotations

import click


class Group(click.Group):
    """A group that suggests the nearest verb."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a verb.

        Raises:
            click.UsageError: There is none of this name; with the nearest, and all that there are.
        """
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], self.commands, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(
                f"no such command {args[0]!r}.{hint} Commands: {', '.join(sorted(self.commands))}", ctx
            )
        return super().resolve_command(ctx, args)
